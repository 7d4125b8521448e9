"""The plugin under a real server: signals, open streams, several workers."""

from __future__ import annotations

import asyncio
import signal

import httpx2
import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from tests.support.processes import ServerProcess, python
from tests.support.waiting import until

APP = "tests.plugin.served:app"


def uvicorn(*arguments: str) -> ServerProcess:
    return ServerProcess("uvicorn", APP, *arguments)


def client(server: ServerProcess) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20)


async def test_a_stop_with_an_open_stream_ends_soon_and_frees_the_database(esdb_server: EmbeddedServer) -> None:
    """SIGTERM with a browser that follows events: the app ends, and no call is left on the server."""
    async with uvicorn() as app, client(app) as http:
        await http.post("/events/a")
        async with http.stream("GET", "/events/a/live") as response:
            await anext(line async for line in response.aiter_lines() if line == 'data: "Happened"')
            async with asyncio.timeout(15):
                await app.stop()
    await until(lambda: not esdb_server.open_calls)


@pytest.mark.usefixtures("esdb_server")
async def test_each_worker_has_a_pool_of_its_own() -> None:
    """Two workers share one database, and every request finds a connection."""
    async with uvicorn("--workers", "2") as app, client(app) as http:
        answers = [(await http.post("/events/a")).json() for _ in range(40)]
        await app.stop()  # a kill would leave the workers behind
    assert [answer["revision"] for answer in answers] == list(range(40))


async def test_several_workers_with_the_embedded_server_are_refused() -> None:
    """One of two workers serves; the other one says what is wrong, and what to do."""
    arguments = ("-m", "uvicorn", APP, "--port", "0", "--workers", "2")
    async with python(*arguments, env={"ESDB_CONNECTION_STRING": "esdb+embedded://"}) as app:
        await app.until("Application startup complete")
        await app.until("cannot serve several workers")
        await app.ended(signal.SIGTERM)
