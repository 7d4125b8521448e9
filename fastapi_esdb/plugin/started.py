"""The pools that an app has open, where requests find them, and the answer while one is closed by command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.stop import Stop
from fastapi_esdb.errors import EsdbNotStarted, InvalidSettings
from fastapi_esdb.plugin.signals import before_the_server
from fastapi_esdb.plugin.threads import HandedOn

if TYPE_CHECKING:
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.status import ConsumerStatus
    from fastapi_esdb.plugin.status.watch import Watch
    from fastapi_esdb.pool.pool import ConnectionPool


RETRY_AFTER = "1"
"""Seconds that a caller is asked to wait while there is no connection: two rounds of the default retry interval."""


class ClosedByCommand(HTTPException):
    """503 with `Retry-After`, also in apps that handle none of our errors: the app itself asked for the close."""

    def __init__(self, pool: str) -> None:
        self.pool = pool
        super().__init__(503, "the connection to EventStoreDB is closed", {"Retry-After": RETRY_AFTER})


DEFAULT = "default"
"""The name of the pool that needs none."""


class Started:
    """A pool that an app has open, and by how many of the app's lifespans it is held.

    `connection` is for what runs beside the requests, and ends with the app. Requests get one of their own, whose
    subscriptions end when the server begins to stop: it waits for their answers before it lets the app end. Those of
    which some part runs in threads get `handed_on`.
    """

    consumers: Callable[[], Sequence[tuple[Definition, ConsumerStatus]]] = tuple
    """Tells of the consumers that run with the app."""
    watch: Watch | None = None
    """Keeps what the status page draws, where there is one."""

    def __init__(self, owner: object, pool: ConnectionPool, stop: Stop) -> None:
        self.owner = owner
        self.pool = pool
        self.stop = stop
        self.holders = 0

    # Made when they are asked for: the app's own part of the lifespan may set providers of telemetry before that.

    @cached_property
    def connection(self) -> Connection:
        """The connection that ends with the app."""
        return Connection(self.pool)

    @cached_property
    def of_requests(self) -> Connection:
        """The connection of requests."""
        return Connection(self.pool, self.stop)

    @cached_property
    def handed_on(self) -> HandedOn:
        """The same for requests that run in threads."""
        return HandedOn(self.pool, self.stop)


KEY = "fastapi_esdb.pool."
"""The key in `app.state`, and what those in lifespan state begin with; an app's own of that name would win."""


@asynccontextmanager
async def held(
    app: Starlette, name: str, owner: object, opened: AbstractAsyncContextManager[ConnectionPool]
) -> AsyncIterator[Mapping[str, Any]]:
    """Keep the app's pool of that name open: the first holder opens it, the last one closes it."""
    started = started_in(app, name)
    if started is None:
        stop = Stop()
        with before_the_server(stop.set):
            async with opened as pool, _holding(app, name, Started(owner, pool, stop)) as state:
                with _stopped_twice(stop):
                    yield state
    elif started.owner is not owner:
        raise InvalidSettings(f"two Esdb objects are named {name!r} in one app: give one of them another name")
    else:
        async with _holding(app, name, started) as state:
            yield state


@contextmanager
def _stopped_twice(stop: Stop) -> Iterator[None]:
    """Let a server go that was told to stop twice: it cancels the lifespan, and would log that as an error."""
    try:
        yield
    except asyncio.CancelledError:
        if not stop.is_set:
            raise


@asynccontextmanager
async def _holding(app: Starlette, name: str, started: Started) -> AsyncIterator[Mapping[str, Any]]:
    started.holders += 1
    _pools_in(app)[name] = started
    try:
        yield {KEY + name: started}
    finally:
        started.holders -= 1
        if not started.holders:
            del _pools_in(app)[name]


def _pools_in(app: Starlette) -> dict[str, Started]:
    """The open pools of an app, by name."""
    if not hasattr(app.state, KEY):
        setattr(app.state, KEY, {})
    found: dict[str, Started] = getattr(app.state, KEY)
    return found


def stop_following_in(app: Starlette) -> None:
    """End what endpoints of the app follow, in all of its databases, and let nothing more begin."""
    for started in _pools_in(app).values():
        started.stop.set()


def started_in(app: Starlette, name: str) -> Started | None:
    return _pools_in(app).get(name)


def all_started_in(app: Starlette) -> Sequence[Started]:
    """The pools that an app has open."""
    return tuple(_pools_in(app).values())


def started_for(request: HTTPConnection, name: str) -> Started:
    """The pool for a request: from the lifespan's state, which mounted sub-apps see too, else from the app's."""
    found = find_for(request, name)
    if found is None:
        raise EsdbNotStarted(name)
    return found


def find_for(request: HTTPConnection, name: str) -> Started | None:
    """As `started_for`, with `None` where no pool is open."""
    found: Started | None = request.scope.get("state", {}).get(KEY + name)
    if found is None or not found.holders:
        return started_in(request.app, name)
    return found


def names_for(request: HTTPConnection) -> set[str]:
    """The names of the pools that a request can find."""
    state = request.scope.get("state", {})
    return {key.removeprefix(KEY) for key in state if key.startswith(KEY)} | set(_pools_in(request.app))
