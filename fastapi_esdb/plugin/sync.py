"""The connection for `def` endpoints, which run in threads: the same calls, blocking, each with a deadline."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, TypeVar, Unpack

from starlette.requests import HTTPConnection

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.options import Options
from fastapi_esdb.api.stream_acl import StreamAcl
from fastapi_esdb.api.stream_metadata import StreamMetadata
from fastapi_esdb.errors import ConnectionClosed, WrongEventLoop
from fastapi_esdb.settings.node_preference import NodePreference
from fastapi_esdb.wire.records import ANY, Edge, Expected, Position, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.requests import AppendResult, EventFilter

Result = TypeVar("Result")


class SyncConnection:
    """`Connection` for threads: its calls on streams. It blocks the calling thread, never the loop that they run on.

    Reads give lists: give them a `limit`. For subscriptions and everything else use an `async def` endpoint.
    Calling it on the event loop's own thread raises `WrongEventLoop`, since it would wait for itself.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()

    def append(
        self,
        stream: str,
        events: ProposedEvent | Iterable[ProposedEvent],
        expected: Expected = ANY,
        *,
        retry_unknown: bool = False,
        **options: Unpack[Options],
    ) -> AppendResult:
        """See `Connection.append`."""
        return self._run(self._connection.append(stream, events, expected, retry_unknown=retry_unknown, **options))

    def read(
        self,
        stream: str,
        *,
        start: int | Edge | None = None,
        backwards: bool = False,
        limit: int | None = None,
        resolve_links: bool = False,
        read_preference: NodePreference | None = None,
        **options: Unpack[Options],
    ) -> list[RecordedEvent]:
        """See `Connection.read`; all events at once."""
        read = self._connection.read(
            stream,
            start=start,
            backwards=backwards,
            limit=limit,
            resolve_links=resolve_links,
            read_preference=read_preference,
            **options,
        )
        return self._run(read.to_list())

    def read_all(
        self,
        *,
        start: Position | Edge | None = None,
        backwards: bool = False,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002  the field's name for it
        resolve_links: bool = False,
        read_preference: NodePreference | None = None,
        **options: Unpack[Options],
    ) -> list[RecordedEvent]:
        """See `Connection.read_all`; all events at once."""
        read = self._connection.read_all(
            start=start,
            backwards=backwards,
            limit=limit,
            filter=filter,
            resolve_links=resolve_links,
            read_preference=read_preference,
            **options,
        )
        return self._run(read.to_list())

    def delete(self, stream: str, expected: Expected = ANY, **options: Unpack[Options]) -> Position | None:
        """See `Connection.delete`."""
        return self._run(self._connection.delete(stream, expected, **options))

    def tombstone(self, stream: str, expected: Expected = ANY, **options: Unpack[Options]) -> Position | None:
        """See `Connection.tombstone`."""
        return self._run(self._connection.tombstone(stream, expected, **options))

    def get_metadata(self, stream: str, **options: Unpack[Options]) -> StreamMetadata:
        """See `Connection.get_metadata`."""
        return self._run(self._connection.get_metadata(stream, **options))

    def set_metadata(
        self, stream: str, metadata: StreamMetadata, expected: Expected = ANY, **options: Unpack[Options]
    ) -> AppendResult:
        """See `Connection.set_metadata`."""
        return self._run(self._connection.set_metadata(stream, metadata, expected, **options))

    def set_default_acl(
        self,
        *,
        user_streams: StreamAcl | None = None,
        system_streams: StreamAcl | None = None,
        expected: Expected = ANY,
        **options: Unpack[Options],
    ) -> AppendResult:
        """See `Connection.set_default_acl`."""
        return self._run(
            self._connection.set_default_acl(
                user_streams=user_streams, system_streams=system_streams, expected=expected, **options
            )
        )

    def ping(self, timeout: float | None = None) -> None:
        """See `Connection.ping`."""
        self._run(self._connection.ping(timeout))

    def _run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """Every call ends by its own deadline, so the wait for it is bounded. A closed loop has no connection."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if not self._loop.is_closed():
                return asyncio.run_coroutine_threadsafe(call, self._loop).result()
            call.close()
            raise ConnectionClosed from None
        call.close()
        raise WrongEventLoop(
            "EsdbSyncConnection would block the event loop that it waits for: it is for `def` endpoints and threads. "
            "In `async def` use EsdbConnection, and await its calls"
        )


def refuse_def_endpoint(request: HTTPConnection, dependency: Callable[..., Any]) -> None:
    """Raise `WrongEventLoop` where the endpoint is a `def` and depends on a `Connection` itself.

    Nothing would come of its calls, which are never awaited. Dependencies of its own may be `async def`, or only hand
    the connection on.
    """
    dependant = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None or awaits(dependant.call):
        return
    if any(part.call == dependency for part in dependant.dependencies):
        name = getattr(dependant.call, "__name__", dependant.call)
        raise WrongEventLoop(
            f"the endpoint {name!r} is a `def`, where nothing awaits the calls "
            "of EsdbConnection: take EsdbSyncConnection (get_sync_connection) instead, or make it `async def`"
        )


def awaits(endpoint: Callable[..., Any]) -> bool:
    """Whether it runs on the event loop."""
    plain = inspect.unwrap(endpoint)
    while isinstance(plain, partial):
        plain = inspect.unwrap(plain.func)
    called = plain if inspect.isroutine(plain) else type(plain).__call__
    return inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(called)
