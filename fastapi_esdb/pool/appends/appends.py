"""The way of an append: in a batch, in a call shared with others, or alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi_esdb.connection.batch_call import BatchCall, BatchCalls
from fastapi_esdb.connection.call import client_stream
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS
from fastapi_esdb.pool.appends.append_batch import BatchedAppend, OutsideBatch
from fastapi_esdb.pool.appends.append_batches import AppendBatches
from fastapi_esdb.settings.choices import AppendMode, NodePreference
from fastapi_esdb.wire.errors import EsdbError, NotSupported, WrongExpectedRevision
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND
from fastapi_esdb.wire.streams.values import AppendConflict, AppendFrame, AppendOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fastapi_esdb.connection.caller import CallOptions
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.pool.call_policy import Headers
    from fastapi_esdb.pool.generations import Leases
    from fastapi_esdb.pool.retry import Retry
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

MOST_SHARED = 512 * 1024
"""Bytes of an append that others wait behind in a shared call; a larger one has a call of its own."""

LANES = 3
"""Shared calls on a connection, a quarter cheaper than one: gRPC sends one message of a call at a time, and of several
calls in one go. All appends to a stream take the same call, and so stay in order."""

FRAME = 128
"""Bytes that an event takes in a message beside its data and metadata, roughly."""


Sent = tuple["Channel", "asyncio.Future[AppendResult]"]
"""Where an append was sent to, and its answer to come."""


class Appends:
    """Makes appends as the settings say. With `once`, each goes in a call of its own and is not made again."""

    def __init__(
        self, settings: EsdbSettings, leases: Leases, headers: Headers, schema_ids: Mapping[str, UUID], *, once: bool
    ) -> None:
        mode = AppendMode.SINGLE if once else settings.append_mode
        self._shares = mode is not AppendMode.SINGLE
        self._once = once
        self._leases = leases
        self._headers = headers
        self._shared_headers = headers.of(BATCH_APPEND, DEFAULT_OPTIONS)
        self._calls = BatchCalls(self._shared_headers)
        self._latest: dict[tuple[NodePreference, int], BatchCall] = {}
        self._batches = self._begin_batches(settings, schema_ids) if mode is AppendMode.GROUPED else None

    def _begin_batches(self, settings: EsdbSettings, schema_ids: Mapping[str, UUID]) -> AppendBatches | None:
        """Return the batches where they can be. Only a leader takes them: others pass on calls of v1 alone."""
        target = settings.target
        at_leader = target.discover or target.options.node_preference is NodePreference.LEADER
        if not at_leader:
            return None
        return AppendBatches(self._leases, self._shared_headers, NodePreference.LEADER, schema_ids)

    async def make(self, request: AppendRequest, options: CallOptions, retry: Retry) -> AppendResult:
        """Append events; raises what the last attempt failed with.

        What is not for a batch goes in a shared call, and what is not for that one goes alone. Nothing but this
        coroutine surrounds the wait for the answer, since there may be thousands of them.
        """
        shares = self._may_share(request, options)
        batches = self._batches if shares else None
        member: BatchedAppend | None = None
        channel: Channel | None = None
        while True:
            try:
                if not shares:
                    with retry.take(channel) or await retry.lease(channel) as lease:
                        channel = lease.channel
                        return await self._alone(lease, request, options, retry)
                if batches is not None and batches.awaits_lease:
                    with await retry.lease(channel):
                        pass  # an append that can be sent may leave in a batch
                if batches and (member := batches.take(request, retry.deadline, retry.leaves_time)):
                    return await member.answer
                # the shared call is no variable: whoever keeps an error would keep it, and the TCP connection open
                sent = self._shared(request, retry, channel)
                channel, answer = sent or await self._first_shared(request, retry, channel)
                return await answer
            except OutsideBatch:
                member = batches = None
            except EsdbError as error:
                if shares and isinstance(error, NotSupported):
                    shares = False
                    continue
                channel = member.channel if member else channel
                await retry.failed(error, channel, final=self._once)

    def _may_share(self, request: AppendRequest, options: CallOptions) -> bool:
        """Return whether the append fits into a shared call: the caller is the same, and the others can wait for it."""
        if not self._shares or options.credentials or not request.events:
            return False
        if options.requires_leader is not None and self._headers.of(APPEND, options) != self._shared_headers:
            return False
        size = 0
        for event in request.events:
            size += len(event.data) + len(event.metadata) + FRAME
        return size <= MOST_SHARED

    def _shared(self, request: AppendRequest, retry: Retry, before: Channel | None) -> Sent | None:
        """Have the call take it that took the appends before; `None` if there is none."""
        call = self._present(hash(request.stream) % LANES, retry, before)
        if call is None:
            return None
        return call.channel, call.append(request, retry.deadline, retry.leaves_time)

    async def _first_shared(self, request: AppendRequest, retry: Retry, before: Channel | None) -> Sent:
        """Have a call take it that is opened if need be. Raises `NotSupported`; nothing was sent then."""
        lane = hash(request.stream) % LANES
        with self._beside(retry, before) or await retry.lease(before) as lease:
            call = self._present(lane, retry, before) or self._calls.on(lease, lane)
            self._latest[retry.preference, lane] = call
            return call.channel, call.append(request, retry.deadline, retry.leaves_time)

    def _beside(self, retry: Retry, before: Channel | None) -> Lease | None:
        """Return a lease where another shared call is: what calls of one connection send at a time leaves together."""
        for other in filter(None, (self._present(lane, retry, before) for lane in range(LANES))):
            lease = other.channel.lease()
            lease.late = other.late
            return lease
        return None

    def _present(self, lane: int, retry: Retry, before: Channel | None) -> BatchCall | None:
        """Return the call that took the appends before, unless it is over, or is where this one has just failed."""
        call = self._latest.get((retry.preference, lane))
        return call if call is not None and call.channel is not before and call.is_open else None

    async def _alone(self, lease: Lease, request: AppendRequest, options: CallOptions, retry: Retry) -> AppendResult:
        frames: list[AppendFrame] = [AppendOptions(request.stream, request.expected), *request.events]
        answer = await client_stream(lease, APPEND, frames, retry.answer_deadline, self._headers.of(APPEND, options))
        if isinstance(answer, AppendConflict):
            raise WrongExpectedRevision(request.stream, answer.expected, answer.actual)
        return answer
