"""A carrier whose calls are spans and measurements, for connections that somebody watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Self

from fastapi_esdb.api.calls import CarrierView
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS, Caller, CallOptions, Stream
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.method import Method, Request, Response
from fastapi_esdb.wire.streams.methods import APPEND, READ

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.pool.pool import ConnectionPool
    from fastapi_esdb.telemetry.instrumentation import Instrumentation, Operation
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

Begin = Callable[[Method[Any, Any], object, CallOptions], "Operation"]


class TracedCaller:
    """Makes calls by another `Caller`, each within an operation that `begin` begins."""

    def __init__(self, caller: Caller, instrumentation: Instrumentation, begin: Begin) -> None:
        self._caller = caller
        self._begin = begin
        self._notes = instrumentation.notes

    async def call(
        self, method: Method[Request, Response], request: Request, options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """Make a unary call."""
        with self._begin(method, request, options) as operation:
            if self._notes is not None:
                request = self._notes.add_to(request, operation.context)
            return await self._caller.call(method, request, options)

    async def send(
        self, method: Method[Request, Response], requests: Sequence[Request], options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """Make a call that streams its requests and has one answer."""
        with self._begin(method, requests, options) as operation:
            if self._notes is not None:
                requests = self._notes.add_to_all(requests, operation.context)
            return await self._caller.send(method, requests, options)

    async def append(self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS) -> AppendResult:
        """Append events; see `Caller.append`."""
        with self._begin(APPEND, request, options) as operation:
            if self._notes is not None:
                request = self._notes.add_to(request, operation.context)
            return await self._caller.append(request, options)

    def stream(
        self,
        method: Method[Request, Response],
        requests: Sequence[Request],
        options: CallOptions = DEFAULT_OPTIONS,
        *,
        long_lived: bool = False,
        bulk: bool = False,
    ) -> Stream[Request, Response]:
        """Make a call whose answers stream; see `Caller.stream`. A long-lived one is watched up to its first answer."""
        call = self._caller.stream(method, requests, options, long_lived=long_lived, bulk=bulk)
        operation = self._begin(method, next(iter(requests), None), options)
        return _TracedStream(call, operation, long_lived=long_lived, counts=method is READ and not long_lived)


class TracedCarrier(TracedCaller, CarrierView):
    """A `Carrier` that makes calls by another one, which the pool is behind, each as an operation."""

    def __init__(self, carrier: Carrier, pool: ConnectionPool, instrumentation: Instrumentation) -> None:
        CarrierView.__init__(self, carrier)
        self._instrumentation = instrumentation
        self._pool = pool
        TracedCaller.__init__(self, carrier, instrumentation, self._operation)

    @asynccontextmanager
    async def at_leader(self, options: CallOptions) -> AsyncIterator[Caller]:
        """See `Carrier.at_leader`."""
        async with self._carrier.at_leader(options) as node:
            yield TracedCaller(node, self._instrumentation, self._operation)

    def _operation(self, method: Method[Any, Any], request: object, options: CallOptions) -> Operation:
        return self._instrumentation.call(method, request, self._pool.host_of(method, options))


class _TracedStream(Generic[Request, Response]):
    """A streaming call whose operation ends with it; that of a long-lived one ends with the first answer."""

    def __init__(
        self, call: Stream[Request, Response], operation: Operation, *, long_lived: bool, counts: bool
    ) -> None:
        self._call = call
        self._operation = operation
        self._long_lived = long_lived
        self._counts = counts
        self._events = 0

    @property
    def is_bulk(self) -> bool:
        """See `Stream.is_bulk`."""
        return self._call.is_bulk

    async def __aenter__(self) -> Self:
        try:
            await self._call.__aenter__()
        except Exception as error:
            self._end(error)
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    async def read(self, whole: int = 0) -> Sequence[Response]:
        """See `Stream.read`."""
        try:
            answers = await self._call.read(whole)
        except Exception as error:  # a cancellation leaves the call to the next reader
            self._end(error)
            raise
        if self._counts:
            self._events += sum(isinstance(answer, RecordedEvent) for answer in answers)
        if self._long_lived or whole or not answers:
            self._end()
        return answers

    async def send(self, request: Request) -> None:
        """See `Stream.send`."""
        await self._call.send(request)

    def close(self) -> None:
        """See `Stream.close`."""
        self._call.close()
        self._end()

    def _end(self, error: Exception | None = None) -> None:
        if self._counts:
            self._operation.end(error, **{"db.response.returned_rows": self._events})
        else:
            self._operation.end(error)
