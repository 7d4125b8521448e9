"""The pools that an app has open, and where requests find them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.stop import Stop
from fastapi_esdb.errors import EsdbNotStarted, InvalidSettings
from fastapi_esdb.plugin.signals import before_the_server

if TYPE_CHECKING:
    from fastapi_esdb.pool.pool import ConnectionPool

DEFAULT = "default"
"""The name of the pool that needs none."""


class Started:
    """A pool that an app has open, and by how many of the app's lifespans it is held.

    `connection` is for what runs beside the requests, and ends with the app. Requests get one of their own, whose
    subscriptions end when the server begins to stop: it waits for their answers before it lets the app end.
    """

    def __init__(self, owner: object, pool: ConnectionPool, stop: Stop) -> None:
        self.owner = owner
        self.pool = pool
        self.stop = stop
        self.connection = Connection(pool)
        self.of_requests = Connection(pool, stop)
        self.holders = 0


def state_key(name: str) -> str:
    """The key in lifespan state and in `app.state`; long, since an app's own key of that name would win."""
    return f"fastapi_esdb.pool.{name}"


@asynccontextmanager
async def held(
    app: Starlette, name: str, owner: object, opened: AbstractAsyncContextManager[ConnectionPool]
) -> AsyncIterator[Mapping[str, Any]]:
    """Keep the app's pool of that name open: the first holder opens it, the last one closes it."""
    started = started_in(app, name)
    if started is None:
        stop = Stop()
        with before_the_server(stop.set), _left_in_haste(stop):
            async with opened as pool, _holding(app, name, Started(owner, pool, stop)) as state:
                yield state
    elif started.owner is not owner:
        raise InvalidSettings(f"two Esdb objects are named {name!r} in one app: give one of them another name")
    else:
        async with _holding(app, name, started) as state:
            yield state


@contextmanager
def _left_in_haste(stop: Stop) -> Iterator[None]:
    """Let a server go that was told to stop twice: it cancels the lifespan, and would log that as an error."""
    try:
        yield
    except asyncio.CancelledError:
        if not stop.is_set:
            raise


@asynccontextmanager
async def _holding(app: Starlette, name: str, started: Started) -> AsyncIterator[Mapping[str, Any]]:
    key = state_key(name)
    started.holders += 1
    setattr(app.state, key, started)
    try:
        yield {key: started}
    finally:
        started.holders -= 1
        if not started.holders:
            delattr(app.state, key)


def started_in(app: Starlette, name: str) -> Started | None:
    found: Started | None = getattr(app.state, state_key(name), None)
    return found


def started_for(request: HTTPConnection, name: str) -> Started:
    """The pool for a request: from the lifespan's state, which mounted sub-apps see too, else from the app's."""
    found = find_for(request, name)
    if found is None:
        raise EsdbNotStarted(name)
    return found


def find_for(request: HTTPConnection, name: str) -> Started | None:
    """As `started_for`, with `None` where no pool is open."""
    found: Started | None = request.scope.get("state", {}).get(state_key(name))
    if found is None or not found.holders:
        return started_in(request.app, name)
    return found
