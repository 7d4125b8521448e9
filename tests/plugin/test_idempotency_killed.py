"""Requests with a key, sent again after the app or the database was killed between the append and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from fastapi_esdb import Connection, connect
from tests.plugin.test_uvicorn import client
from tests.support.processes import ServerProcess, embedded
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, answered

APP = "tests.plugin.idempotent_app:app"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server that keeps its events in a file."""
    async with embedded("--data", str(tmp_path / "events.db")) as server:
        yield server


@pytest.fixture
async def proxy(database: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultProxy]:
    """What stands between the app and the server."""
    async with FaultProxy(database.port) as proxy:
        monkeypatch.setenv("ESDB_CONNECTION_STRING", f"esdb://127.0.0.1:{proxy.port}?tls=false")
        monkeypatch.setenv("ESDB_WAIT", "20")
        monkeypatch.setenv("ESDB_RETRY_INTERVAL", "0.05")
        yield proxy


async def types(database: ServerProcess, stream: str) -> list[str]:
    async with connect(f"esdb://127.0.0.1:{database.port}?tls=false") as esdb:
        await esdb.wait_connected(PATIENCE)
        return await types_in(esdb, stream)


async def types_in(esdb: Connection, stream: str) -> list[str]:
    return [event.type for event in await esdb.read(stream, missing_ok=True).to_list()]


def key() -> dict[str, str]:
    return {"Idempotency-Key": f'"{uuid4()}"'}


@pytest.mark.usefixtures("proxy")
async def test_the_app_is_killed_between_append_and_answer(database: ServerProcess) -> None:
    """Another process answers as the first would have done, at once; everything is there once."""
    requests: list[tuple[str, Any, dict[str, str]]] = [
        ("/v1/accounts/1/open", None, key()),
        ("/v1/transfers/2/3", None, key()),
        ("/v1/log/1", {"cents": 5}, key()),
    ]
    async with ServerProcess("uvicorn", APP) as app:
        for (path, body, header), dies in zip(requests, ("endpoint", "endpoint", "process"), strict=True):
            async with client(app) as http:
                with nullcontext() if dies == "endpoint" else pytest.raises(httpx2.TransportError):
                    await http.post(path, json=body, headers={**header, "X-Dies": dies})
        await app.kill()
        await app.start()
        async with client(app) as http:
            for _ in range(2):
                answers = [await http.post(path, json=body, headers=header) for path, body, header in requests]
                assert [answer.json() for answer in answers] == [[100, 0, "Put"], [0, 0], 0]
                assert [answer.status_code for answer in answers] == [201, 200, 201]
    assert [await types(database, f"account-{number}") for number in (1, 2, 3)] == [["Put"], ["Taken"], ["Put"]]
    assert await types(database, "log-1") == ["Logged"]


async def test_the_database_is_killed_between_append_and_answer(
    database: ServerProcess, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app can't know what has become of the append: 500. The next request finds out, though the server forgot."""
    monkeypatch.setenv("ESDB_DEADLINE", "1")
    monkeypatch.setenv("ESDB_WAIT", "0.5")
    header = key()
    async with ServerProcess("uvicorn", APP) as app, client(app) as http:
        await http.get("/types/log-1")
        waiting = asyncio.create_task(http.post("/v1/log/1", json={}, headers={**header, "X-Waits": "true"}))
        await answered(
            lambda: http.get("/v1/calls"), lambda answer: answer.json()
        )  # the key is looked up, the endpoint waits
        proxy.mute()
        async with connect(f"esdb://127.0.0.1:{database.port}?tls=false") as beside:
            await beside.wait_connected(PATIENCE)
            async with beside.subscribe("log-1") as written:
                await http.post("/release")
                await anext(written)
        await proxy.stop()
        await database.kill()
        answer = await waiting
        assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (500, "outcome-unknown")
        await database.start()
        proxy.heal()
        await proxy.start()
        await answered(lambda: http.get("/health/esdb"), lambda answer: answer.status_code == 200)
        for _ in range(2):
            answer = await http.post("/v1/log/1", json={}, headers=header)
            assert (answer.status_code, answer.json()) == (201, 0)
    assert await types(database, "log-1") == ["Logged"]


@pytest.mark.usefixtures("proxy")
async def test_two_processes_are_sent_the_same_request(database: ServerProcess) -> None:
    """The log refuses the second of them, which says that the first is on its way; then both give the one answer."""
    header = key()
    async with (
        ServerProcess("uvicorn", APP) as one,
        ServerProcess("uvicorn", APP) as other,
        AsyncExitStack() as clients,
    ):
        first, second = [await clients.enter_async_context(client(app)) for app in (one, other)]
        posts = [http.post("/v1/log/1", json={}, headers=header) for http in (first, second) for _ in range(5)]
        answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} <= {201, 409}
        again = [await http.post("/v1/log/1", json={}, headers=header) for http in (first, second)]
        assert [(answer.status_code, answer.json()) for answer in again] == [(201, 0), (201, 0)]
        assert len({answer.headers["X-Pid"] for answer in again}) == 1
    assert await types(database, "log-1") == ["Logged"]
