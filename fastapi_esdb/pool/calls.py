"""Calls over a pool: refused, sent, made again, counted."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi_esdb.connection.call import client_stream, unary
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.errors import ReadOnlyConnection
from fastapi_esdb.pool.appends import Appends
from fastapi_esdb.pool.headers import Headers
from fastapi_esdb.pool.placement import Placement
from fastapi_esdb.pool.pooled_stream import PooledStream, StreamPlan
from fastapi_esdb.pool.starting import Starting
from fastapi_esdb.pool.tries import Tell, Tries
from fastapi_esdb.wire.appends import APPEND
from fastapi_esdb.wire.errors import CalledAs, EsdbError, InvalidArgument

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.connection.transport import CallOptions
    from fastapi_esdb.pool.counters import Counters
    from fastapi_esdb.pool.lease_source import LeaseSource
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.method import Method
    from fastapi_esdb.wire.requests import AppendRequest, AppendResult

Request = TypeVar("Request")
Response = TypeVar("Response")

_MILLISECONDS_PER_SECOND = 1000


class Calls:
    """Makes calls as the settings say."""

    def __init__(self, name: str, settings: EsdbSettings, lease: LeaseSource, counters: Counters, tell: Tell) -> None:
        target = settings.target
        self.deadline = target.options.default_deadline / _MILLISECONDS_PER_SECOND
        """Seconds that a call has without a `timeout` of its own."""
        self._name = name
        self._called_as = CalledAs.CONNECTION if target.credentials else CalledAs.NOBODY
        self._headers = Headers(target, f"fastapi-esdb-{name}")
        self._read_only = settings.read_only
        self._pinned = not target.discover
        self._placement = Placement.of(settings)
        self._lease = lease
        self._counters = counters
        self._tell = tell
        self._starting = Starting()
        self._appends = Appends(settings, lease, self._headers)

    async def call(self, method: Method[Request, Response], request: Request, options: CallOptions) -> Response:
        """See `Transport.call`."""
        headers = self._headers.of(method, options)
        tries = self._begin(method, options)
        return await self._repeat(tries, lambda lease: unary(lease, method, request, tries.deadline, headers))

    async def send(
        self, method: Method[Request, Response], requests: Sequence[Request], options: CallOptions
    ) -> Response:
        """See `Transport.send`."""
        headers = self._headers.of(method, options)
        tries = self._begin(method, options)
        return await self._repeat(tries, lambda lease: client_stream(lease, method, requests, tries.deadline, headers))

    async def append(self, request: AppendRequest, options: CallOptions) -> AppendResult:
        """See `Transport.append`."""
        tries = self._begin(APPEND, options)
        while True:
            try:
                return await self._appends.make(request, options, tries)
            except EsdbError as error:
                await tries.failed(error)

    def stream(
        self,
        method: Method[Request, Response],
        requests: Sequence[Request],
        options: CallOptions,
        *,
        long_lived: bool,
        bulk: bool,
    ) -> PooledStream[Request, Response]:
        """See `Transport.stream`."""
        tries = self._begin(method, options)
        whole = options.timeout is not None
        each = None if whole or long_lived else self.deadline
        plan = StreamPlan(method, requests, self._headers.of(method, options), long_lived, bulk, whole, each)
        return PooledStream(plan, tries, self._lease)

    def _begin(self, method: Method[Any, Any], options: CallOptions) -> Tries:
        """Raise what is wrong with the call before anything else happens."""
        if self._read_only and method.writes:
            raise ReadOnlyConnection(method.path)
        timeout = self.deadline if options.timeout is None else options.timeout
        if not 0 <= timeout < math.inf:
            raise InvalidArgument(f"timeout must be a number of seconds, 0 or more: {timeout!r}")
        preference = self._placement.preferred(method, options)
        return Tries(
            method,
            preference,
            Deadline.after(timeout),
            self._counters,
            self._tell,
            pool=self._name,
            called_as=CalledAs.CALLER if options.credentials else self._called_as,
            starting=self._starting,
            pinned=self._pinned,
        )

    async def _repeat(self, tries: Tries, make: Callable[[Lease], Awaitable[Response]]) -> Response:
        while True:
            try:
                with await self._lease(
                    tries.preference, tries.deadline, long_lived=False, avoid=tries.channel
                ) as lease:
                    tries.channel = lease.channel
                    return await make(lease)
            except EsdbError as error:
                await tries.failed(error)
