"""Which call an append travels in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.batch_call import BatchCall
from fastapi_esdb.connection.call import client_stream
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS
from fastapi_esdb.pool.appends.append_batch import OutsideBatch
from fastapi_esdb.pool.appends.append_batches import AppendBatches
from fastapi_esdb.settings.choices import AppendMode, NodePreference
from fastapi_esdb.wire.errors import EsdbError, NotSupported, WrongExpectedRevision
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND
from fastapi_esdb.wire.streams.values import AppendConflict, AppendFrame, AppendOptions

if TYPE_CHECKING:
    from fastapi_esdb.connection.caller import CallOptions
    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.pool.call_policy import Headers
    from fastapi_esdb.pool.lease_source import LeaseSource
    from fastapi_esdb.pool.retry import Retry
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

MOST_SHARED = 512 * 1024
"""Bytes of an append that others wait behind in a shared call; a larger one has a call of its own."""

LANES = 3
"""Shared calls on a connection, a quarter cheaper than one: gRPC sends one message of a call at a time, and of several
calls in one go."""

FRAME = 128
"""Bytes that an event takes in a message beside its data and metadata, roughly."""


class Appends:
    """Makes appends, one try at a time, as the settings say."""

    def __init__(self, settings: EsdbSettings, lease: LeaseSource, headers: Headers, mode: AppendMode) -> None:
        self._mode = mode
        self._lease = lease
        self._headers = headers
        self._shared_headers = headers.of(BATCH_APPEND, DEFAULT_OPTIONS)
        self._latest: dict[tuple[NodePreference, int], BatchCall] = {}
        self._batches = self._begin_batches(settings)

    def _begin_batches(self, settings: EsdbSettings) -> AppendBatches | None:
        """Groups are for the leader alone: other nodes pass on the calls of v1, and refuse these."""
        target = settings.target
        at_leader = target.discover or target.options.node_preference is NodePreference.LEADER
        if self._mode is not AppendMode.GROUPED or not at_leader:
            return None
        return AppendBatches(self._lease, self._shared_headers, NodePreference.LEADER)

    async def make(self, request: AppendRequest, options: CallOptions, retry: Retry) -> AppendResult:
        """Make one try. Raises what it failed with."""
        if self._may_share(request, options):
            if self._batches is not None and self._batches.awaits_place:
                with await self._place(retry):
                    pass  # one that can be sent may leave in a batch
            # one coroutine and no more around the wait: there may be thousands
            batches, leaves_time = self._batches, retry.leaves_time
            if batches is not None and (member := batches.take(request, retry.deadline, leaves_time=leaves_time)):
                try:
                    return await member.answer
                except OutsideBatch:
                    pass
                except EsdbError:
                    retry.channel = member.channel
                    raise
            try:
                return await (self._shared(request, retry) or await self._first_shared(request, retry))
            except NotSupported:
                pass
        with await self._place(retry) as lease:
            retry.channel = lease.channel
            return await self._alone(lease, request, options, retry)

    def _may_share(self, request: AppendRequest, options: CallOptions) -> bool:
        """Whether the append fits into the shared call: the caller is the same, and the others can wait for it."""
        if self._mode is AppendMode.SINGLE or options.credentials or not request.events:
            return False
        if options.requires_leader is not None and self._headers.of(APPEND, options) != self._shared_headers:
            return False
        size = 0
        for event in request.events:
            size += len(event.data) + len(event.metadata) + FRAME
        return size <= MOST_SHARED

    def _shared(self, request: AppendRequest, retry: Retry) -> asyncio.Future[AppendResult] | None:
        """The answer to come from the call that took the appends before; `None` if there is none to take this one."""
        call = self._present(_lane(request), retry)
        if call is None:
            return None
        retry.channel = call.channel
        return call.append(request, retry.deadline, leaves_time=retry.leaves_time)

    async def _first_shared(self, request: AppendRequest, retry: Retry) -> asyncio.Future[AppendResult]:
        """The same over a call that is opened if need be. Raises `NotSupported`; nothing was sent then."""
        lane = _lane(request)
        with self._beside(retry) or await self._place(retry) as lease:
            call = self._present(lane, retry) or self._opened(lease, lane)
            self._latest[retry.preference, lane] = call
            retry.channel = call.channel
            return call.append(request, retry.deadline, leaves_time=retry.leaves_time)

    def _beside(self, retry: Retry) -> Lease | None:
        """A place where another shared call is: what calls of one connection send at a time leaves together."""
        for other in filter(None, (self._present(lane, retry) for lane in range(LANES))):
            lease = other.channel.lease()
            lease.late = other.late
            return lease
        return None

    def _place(self, retry: Retry) -> Coroutine[Any, Any, Lease]:
        return self._lease(retry.preference, retry.deadline, long_lived=False, avoid=retry.channel)

    def _present(self, lane: int, retry: Retry) -> BatchCall | None:
        """The call that took the appends before, unless it is over, or is where this one has just failed."""
        call = self._latest.get((retry.preference, lane))
        return call if call and call.is_open and call.channel is not retry.channel else None

    def _opened(self, lease: Lease, lane: int) -> BatchCall:
        call = lease.channel.batches.get(lane)
        return call if call and call.is_open else BatchCall(lease, self._shared_headers, lane)

    async def _alone(self, lease: Lease, request: AppendRequest, options: CallOptions, retry: Retry) -> AppendResult:
        frames: list[AppendFrame] = [AppendOptions(request.stream, request.expected), *request.events]
        answer = await client_stream(lease, APPEND, frames, retry.answer_deadline, self._headers.of(APPEND, options))
        if isinstance(answer, AppendConflict):
            raise WrongExpectedRevision(request.stream, answer.expected, answer.actual)
        return answer


def _lane(request: AppendRequest) -> int:
    """Which of the shared calls: the same for all appends to a stream, which so stay in order."""
    return hash(request.stream) % LANES
