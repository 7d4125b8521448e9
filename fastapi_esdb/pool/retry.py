"""The attempts of one call within its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.gossip import says_not_ready
from fastapi_esdb.errors import ConnectionClosed, TooManyStreams
from fastapi_esdb.wire.errors import (
    AccessDenied,
    CalledAs,
    EsdbError,
    HandlerFailed,
    NoAnswer,
    NotAuthenticated,
    NotLeader,
    Outcome,
)

if TYPE_CHECKING:
    from fastapi_esdb.connection.caller import CallOptions
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.pool.generations import Leases
    from fastapi_esdb.pool.statistics import Counters
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.wire.method import Method


PAUSES = Backoff(first=0.1, limit=0.5, jitter=0.2)
"""Between two attempts, of calls or of what the API begins anew: short, since an election takes seconds."""


class RetryPolicy:
    """The part of a retry that all calls of a pool share."""

    __slots__ = ("called_as", "counters", "has_one_node", "leases", "pool", "readiness")

    def __init__(
        self, pool: str, leases: Leases, counters: Counters, called_as: CalledAs, *, has_one_node: bool
    ) -> None:
        self.pool = pool
        self.leases = leases
        self.counters = counters
        self.called_as = called_as
        """Who makes calls without credentials of their own."""
        self.has_one_node = has_one_node
        """Whether there is one node to go to and no other, so that its refusal is the answer."""
        self.readiness = ReadinessCheck()


class Retry:
    """Decides after each attempt that failed whether the call is made again, and waits until then."""

    __slots__ = ("_failed", "_method", "_options", "_pauses", "_policy", "deadline", "leaves_time", "preference")

    def __init__(
        self,
        policy: RetryPolicy,
        method: Method[Any, Any],
        preference: NodePreference,
        deadline: Deadline,
        options: CallOptions,
    ) -> None:
        self.preference = preference
        """The kind of node that the call goes to."""
        self.deadline = deadline
        self.leaves_time = options.leaves_time and method.writes
        """Whether only half of the time that is left when it is sent is for its answer."""
        self._policy = policy
        self._method = method
        self._options = options
        self._failed = 0
        self._pauses: Iterator[float] | None = None
        policy.counters.calls_by_kind[method.call_name] += 1

    @property
    def answer_deadline(self) -> Deadline:
        """The deadline for an answer to a request that is sent now."""
        return self.deadline.halved(monotonic()) if self.leaves_time else self.deadline

    @property
    def is_first(self) -> bool:
        """Return whether no attempt has failed so far."""
        return self._failed == 0

    def take(self, avoid: Channel | None, long_lived: bool = False) -> Lease | None:
        """Return the lease of an attempt, best not on the channel to avoid, where the one before has failed.

        `None` if one has to be waited for.
        """
        return self._policy.leases.take(self.preference, long_lived, avoid)

    def lease(self, avoid: Channel | None, *, long_lived: bool = False) -> Coroutine[Any, Any, Lease]:
        """Wait for the lease of an attempt."""
        return self._policy.leases.lease(self.preference, self.deadline, long_lived=long_lived, avoid=avoid)

    async def failed(self, error: EsdbError, channel: Channel | None, *, final: bool = False) -> None:
        """Wait until it is time for the next attempt; raise the error if there is none, as there is if it is `final`.

        `channel` is where the attempt went.
        """
        policy = self._policy
        self._failed += 1
        self._sign(error)
        if channel is not None:
            policy.leases.failed(channel, error)
        self._pauses = self._pauses or PAUSES.delays()
        pause = next(self._pauses)
        final |= policy.has_one_node and isinstance(error, NotLeader)
        if final or not await self._may_repeat(error, channel) or self.deadline.left() <= pause:
            self._give_up(error)
        await asyncio.sleep(pause)
        if not self.deadline.left():
            self._give_up(error)  # the event loop was busy: what the server said tells more than that time is over
        policy.counters.retries += 1

    def _give_up(self, error: EsdbError) -> NoReturn:
        counters = self._policy.counters
        counters.failures += 1
        counters.failures_by_kind[type(error).__name__] += 1
        raise error

    def _sign(self, error: EsdbError) -> None:
        """Have the error say where it comes from."""
        error.pool = self._policy.pool
        if isinstance(error, AccessDenied | NotAuthenticated):
            error.called_as = CalledAs.CALLER if self._options.credentials else self._policy.called_as

    async def _may_repeat(self, error: EsdbError, channel: Channel | None) -> bool:
        if may_repeat(error, self._method, self._failed):
            return True
        return await self._policy.readiness.explains(error, channel, self.deadline)


def may_repeat(error: EsdbError, method: Method[Any, Any], attempts: int) -> bool:
    """Return whether making the call again is harmless and may help, after so many attempts.

    What the server surely did not execute may be sent again whatever it is, and a read may even if it was executed.
    That there is no connection is an answer: whoever wants to wait for one has done so already.
    """
    if isinstance(error, ConnectionClosed | TooManyStreams):
        return False
    if isinstance(error, HandlerFailed) or (isinstance(error, NoAnswer) and error.reason):
        return _may_be_meant_for_another(method, attempts)
    if error.outcome is Outcome.UNKNOWN:
        return not method.writes
    return error.outcome is Outcome.NOT_EXECUTED


def _may_be_meant_for_another(method: Method[Any, Any], attempts: int) -> bool:
    """Return whether this may be another call's failure: a follower that refuses a BatchAppend fails one more call.

    Seen with EventStoreDB 24.6. Failing twice, it is the call itself that the server can't take, or answers with what
    can't be read.
    """
    return not method.writes and attempts == 1


class ReadinessCheck:
    """Asks a node whether it is ready, once for all calls that it refuses at a time."""

    def __init__(self) -> None:
        self._asking: dict[Channel, asyncio.Task[bool]] = {}

    async def explains(self, error: EsdbError, channel: Channel | None, deadline: Deadline) -> bool:
        """Return whether the call was refused only because the node is not ready yet."""
        if not isinstance(error, NotAuthenticated) or channel is None:
            return False
        asking = self._asking.get(channel) or self._ask(channel)
        await asyncio.wait([asking], timeout=deadline.left())
        return asking.done() and not asking.cancelled() and asking.result()

    def _ask(self, channel: Channel) -> asyncio.Task[bool]:
        self._asking[channel] = asking = channel.run(says_not_ready(channel), "esdb-readiness")
        asking.add_done_callback(lambda _: self._asking.pop(channel))
        return asking
