"""Calls over a pool: refused, sent, made again, counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi_esdb.connection.call import client_stream, unary
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS
from fastapi_esdb.connection.deadline import Deadline, seconds
from fastapi_esdb.errors import ReadOnlyConnection
from fastapi_esdb.pool.appends.appends import Appends
from fastapi_esdb.pool.call_policy import Headers, Placement
from fastapi_esdb.pool.one_node import OneChannel
from fastapi_esdb.pool.retry import ReadinessCheck, Retry, Tell
from fastapi_esdb.pool.streams import PooledStream, StreamPlan
from fastapi_esdb.settings.choices import AppendMode, NodePreference
from fastapi_esdb.wire.errors import CalledAs, EsdbError
from fastapi_esdb.wire.streams.methods import APPEND

if TYPE_CHECKING:
    from fastapi_esdb.connection.caller import CallOptions
    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.pool.lease_source import LeaseSource
    from fastapi_esdb.pool.statistics import Counters
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.method import Method
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

Request = TypeVar("Request")
Response = TypeVar("Response")

_MILLISECONDS_PER_SECOND = 1000


class Calls:
    """Makes calls as the settings say."""

    def __init__(
        self,
        name: str,
        settings: EsdbSettings,
        lease: LeaseSource,
        counters: Counters,
        tell: Tell,
        *,
        over: OneChannel | None = None,
    ) -> None:
        """With `over` they all go over that channel, and no append is made again."""
        target = settings.target
        self.deadline = target.options.default_deadline / _MILLISECONDS_PER_SECOND
        """Seconds that a call has without a `timeout` of its own."""
        self._name = name
        self._called_as = CalledAs.CONNECTION if target.credentials else CalledAs.NOBODY
        self.retry_unknown = settings.retry_unknown
        """Whether appends whose answers are lost are followed up."""
        self._settings = settings
        self._is_over_one = over is not None
        self._headers = Headers(target, f"fastapi-esdb-{name}")
        self._read_only = settings.read_only
        self._pinned = not target.discover
        self._placement = Placement.of(settings)
        self._lease: LeaseSource = over or lease
        self._counters = counters
        self._tell = tell
        self._readiness = ReadinessCheck()
        mode = AppendMode.SINGLE if over else settings.append_mode
        self._appends = Appends(settings, self._lease, self._headers, mode)

    @asynccontextmanager
    async def at_leader(self, options: CallOptions) -> AsyncIterator[Calls]:
        """Calls that all go over one connection to the leader, which it was the last time that anybody heard of it."""
        deadline = self._begin(APPEND, options).deadline
        with await self._lease(NodePreference.LEADER, deadline, long_lived=False, avoid=None) as lease:
            channel = lease.channel
            place = channel.lease()
        with place:
            one = OneChannel(channel)
            try:
                yield Calls(self._name, self._settings, self._lease, self._counters, self._tell, over=one)
            finally:
                one.close()

    async def call(
        self, method: Method[Request, Response], request: Request, options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """See `Caller.call`."""
        headers = self._headers.of(method, options)
        retry = self._begin(method, options)
        return await self._repeat(retry, lambda lease: unary(lease, method, request, retry.answer_deadline, headers))

    async def send(
        self, method: Method[Request, Response], requests: Sequence[Request], options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """See `Caller.send`."""
        headers = self._headers.of(method, options)
        retry = self._begin(method, options)
        return await self._repeat(
            retry, lambda lease: client_stream(lease, method, requests, retry.answer_deadline, headers)
        )

    async def append(self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS) -> AppendResult:
        """See `Caller.append`."""
        retry = self._begin(APPEND, options)
        while True:
            try:
                return await self._appends.make(request, options, retry)
            except EsdbError as error:
                await retry.failed(error, final=self._is_over_one)

    def stream(
        self,
        method: Method[Request, Response],
        requests: Sequence[Request],
        options: CallOptions = DEFAULT_OPTIONS,
        *,
        long_lived: bool = False,
        bulk: bool = False,
    ) -> PooledStream[Request, Response]:
        """See `Caller.stream`."""
        retry = self._begin(method, options)
        whole = options.timeout is not None
        each = None if whole or long_lived else self.deadline
        plan = StreamPlan(method, requests, self._headers.of(method, options), long_lived, bulk, whole, each)
        return PooledStream(plan, retry, self._lease)

    def _begin(self, method: Method[Any, Any], options: CallOptions) -> Retry:
        """Raise what is wrong with the call before anything else happens."""
        if self._read_only and method.writes:
            raise ReadOnlyConnection(method.path)
        timeout = self.deadline if options.timeout is None else seconds(options.timeout, "timeout")
        preference = self._placement.preferred(method, options)
        return Retry(
            method,
            preference,
            Deadline.after(timeout),
            self._counters,
            self._tell,
            pool=self._name,
            called_as=CalledAs.CALLER if options.credentials else self._called_as,
            readiness=self._readiness,
            pinned=self._pinned,
            leaves_time=options.leaves_time,
        )

    async def _repeat(self, retry: Retry, make: Callable[[Lease], Awaitable[Response]]) -> Response:
        while True:
            try:
                with await self._lease(
                    retry.preference, retry.deadline, long_lived=False, avoid=retry.channel
                ) as lease:
                    retry.channel = lease.channel
                    return await make(lease)
            except EsdbError as error:
                await retry.failed(error)
