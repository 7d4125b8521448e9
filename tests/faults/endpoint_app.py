"""An app with error handlers that tells which errors its endpoints met."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
from fastapi import Depends, FastAPI, Request

from fastapi_esdb import Connection, Esdb, EsdbError, EsdbSettings, NewEvent, add_error_handlers
from fastapi_esdb.testing import running
from tests.support.waiting import PATIENCE, until

Answer = tuple[str, int]
"""The name of the error that the endpoint met, empty for none, and the status that a client gets."""


class Endpoints:
    """Requests to the app. Each appends to or reads a stream of its own choice."""

    def __init__(self, client: httpx2.AsyncClient, app: FastAPI, esdb: Connection) -> None:
        self.esdb = esdb
        self._client = client
        self._met: dict[str, str] = app.state.met

    async def append(self, stream: str, **query: Any) -> Answer:
        """`timeout` in seconds and `retry_unknown` are those of the call."""
        return await self._answer("POST", f"/streams/{stream}", query)

    async def read(self, stream: str, **query: Any) -> Answer:
        """The same for a read."""
        return await self._answer("GET", f"/streams/{stream}", query)

    async def follow(self, stream: str) -> Answer:
        """Subscribe, and see the first event."""
        return await self._answer("GET", f"/streams/{stream}/first", {})

    async def in_flight(self, count: int) -> None:
        """Return when so many calls are under way."""
        await until(lambda: self.esdb.pool.stats()["calls_in_flight"] == count)

    async def _answer(self, method: str, path: str, query: dict[str, Any]) -> Answer:
        number = uuid4().hex
        response = await self._client.request(method, path, params=query, headers={"X-Number": number})
        return self._met.pop(number, ""), response.status_code


async def note_errors(request: Request) -> AsyncIterator[None]:
    """Keep the name of what the endpoint raises, by the number of the request."""
    try:
        yield
    except EsdbError as error:
        request.app.state.met[request.headers["X-Number"]] = type(error).__name__
        raise


@asynccontextmanager
async def endpoints(string: str, **settings: Any) -> AsyncIterator[Endpoints]:
    """The app, connected."""
    esdb = Esdb(EsdbSettings(connection_string=string, **settings))
    app = _app(esdb)
    transport = httpx2.ASGITransport(app)
    async with (
        running(app),
        httpx2.AsyncClient(transport=transport, base_url="http://app", timeout=4 * PATIENCE) as client,
    ):
        await esdb.connection_of(app).wait_connected(PATIENCE)
        yield Endpoints(client, app, esdb.connection_of(app))


def _app(esdb: Esdb) -> FastAPI:
    app = FastAPI()
    app.state.met = {}
    app.include_router(esdb.router)
    add_error_handlers(app)
    connection = Depends(esdb.get_connection)

    noted = [Depends(note_errors)]

    @app.post("/streams/{stream}", dependencies=noted)
    async def append(
        stream: str, timeout: float | None = None, retry_unknown: bool = True, esdb: Connection = connection
    ) -> None:
        await esdb.append(stream, NewEvent("Tried", {}), timeout=timeout, retry_unknown=retry_unknown)

    @app.get("/streams/{stream}", dependencies=noted)
    async def read(stream: str, timeout: float | None = None, esdb: Connection = connection) -> int:
        return len(await esdb.read(stream, timeout=timeout).to_list())

    @app.get("/streams/{stream}/first", dependencies=noted)
    async def follow(stream: str, esdb: Connection = connection) -> str:
        async with esdb.subscribe(stream) as events:
            return (await anext(events)).type

    return app
