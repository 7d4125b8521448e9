"""Calls over leased connections: checked, sent, made again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.call import client_stream, unary
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS
from fastapi_esdb.connection.deadline import YEAR, Deadline, seconds
from fastapi_esdb.errors import ReadOnlyConnection
from fastapi_esdb.pool.appends.appends import Appends
from fastapi_esdb.pool.call_policy import Headers, Placement
from fastapi_esdb.pool.generations import Leases, OneConnection
from fastapi_esdb.pool.retry import Retry, RetryPolicy
from fastapi_esdb.pool.streams import PooledStream
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.options import MILLISECONDS_PER_SECOND
from fastapi_esdb.wire.errors import CalledAs, EsdbError
from fastapi_esdb.wire.method import Method, Request, Response
from fastapi_esdb.wire.streams.methods import APPEND

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.connection.caller import CallOptions
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.pool.statistics import Counters
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.headers import CallHeaders
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult


OneAnswer = Callable[["Lease", "Method[Any, Response]", Any, Deadline, "CallHeaders"], Coroutine[Any, Any, Response]]
"""One attempt at a call with one answer: `unary` or `client_stream`."""


class Calls:
    """Makes calls over leased connections, as the settings say; a `Caller`. With `once`, no append is made again."""

    def __init__(
        self, name: str, settings: EsdbSettings, leases: Leases, counters: Counters, *, once: bool = False
    ) -> None:
        self.name = name
        self._leases = leases
        self._counters = counters
        self._once = once
        self.schema_ids: dict[str, UUID] = {}
        """The versions of their schemas that events of these types name where the protocol has a place for it."""
        self._use(settings)

    def _use(self, settings: EsdbSettings) -> None:
        """Make the calls that begin from now on as these settings say."""
        target = settings.target
        self.settings = settings
        self._read_only = settings.read_only
        self.deadline = min(target.options.default_deadline / MILLISECONDS_PER_SECOND, YEAR)
        """The seconds that a call has without a `timeout` of its own."""
        self.retry_unknown = settings.retry_unknown
        """Whether an append whose answer is lost is followed up, unless the call says otherwise."""
        self._only_host = None if target.discover else next(iter(target.hosts), None)
        called_as = CalledAs.CONNECTION if target.credentials else CalledAs.NOBODY
        self._headers = Headers(target, f"fastapi-esdb-{self.name}")
        self._placement = Placement.of(settings)
        self._policy = RetryPolicy(self.name, self._leases, self._counters, called_as, has_one_node=not target.discover)
        self._appends = Appends(settings, self._leases, self._headers, self.schema_ids, once=self._once)

    def call(
        self, method: Method[Request, Response], request: Request, options: CallOptions = DEFAULT_OPTIONS
    ) -> Coroutine[Any, Any, Response]:
        """Make a unary call."""
        return self._make(unary, method, request, options)

    def send(
        self, method: Method[Request, Response], requests: Sequence[Request], options: CallOptions = DEFAULT_OPTIONS
    ) -> Coroutine[Any, Any, Response]:
        """Make a call that streams its requests and has one answer."""
        return self._make(client_stream, method, requests, options)

    def append(
        self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS
    ) -> Coroutine[Any, Any, AppendResult]:
        """Append events; see `Caller.append`."""
        return self._appends.make(request, options, self._begin(APPEND, options))

    def stream(
        self,
        method: Method[Request, Response],
        requests: Sequence[Request],
        options: CallOptions = DEFAULT_OPTIONS,
        *,
        long_lived: bool = False,
        bulk: bool = False,
    ) -> PooledStream[Request, Response]:
        """Make a call whose answers stream; see `Caller.stream`."""
        retry = self._begin(method, options)
        stream = PooledStream(retry, method, requests, self._headers.of(method, options), long_lived)
        stream.is_long = bulk
        if options.timeout is not None:
            stream.deadline = retry.deadline
        elif not long_lived:
            stream.patience = self.deadline
        return stream

    @asynccontextmanager
    async def at_leader(self, options: CallOptions) -> AsyncIterator[Calls]:
        """Give calls that all go over one connection to the leader. When it is lost they fail for good.

        The leader is the node that was known as such the last time that anybody asked.
        """
        retry = self._begin(APPEND, options)
        with await self._leases.lease(NodePreference.LEADER, retry.deadline, long_lived=False, avoid=None) as first:
            lease = first.channel.lease()
        with lease:
            one = OneConnection(lease.channel, self._leases)
            try:
                yield Calls(self.name, self.settings, one, self._counters, once=True)
            finally:
                one.close()

    async def _make(
        self, attempt: OneAnswer[Response], method: Method[Any, Response], request: Any, options: CallOptions
    ) -> Response:
        headers = self._headers.of(method, options)
        retry = self._begin(method, options)
        channel: Channel | None = None
        while True:
            try:
                with retry.take(channel) or await retry.lease(channel) as lease:
                    channel = lease.channel
                    return await attempt(lease, method, request, retry.answer_deadline, headers)
            except EsdbError as error:
                await retry.failed(error, channel)

    def _begin(self, method: Method[Any, Any], options: CallOptions) -> Retry:
        """Check the call and return its retry. Raises `ReadOnlyConnection` and `InvalidArgument`."""
        if self._read_only and method.writes:
            raise ReadOnlyConnection(method.path)
        timeout = self.deadline if options.timeout is None else min(seconds(options.timeout, "timeout"), YEAR)
        preference = self._placement.preferred(method, options)
        return Retry(self._policy, method, preference, Deadline(monotonic() + timeout), options)
