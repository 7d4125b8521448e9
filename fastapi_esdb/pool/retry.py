"""The tries of one call within its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.gossip import says_not_ready
from fastapi_esdb.errors import ConnectionClosed, TooManyStreams
from fastapi_esdb.wire.errors import (
    AccessDenied,
    EsdbError,
    HandlerFailed,
    NoAnswer,
    NotAuthenticated,
    NotLeader,
    Outcome,
)

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.pool.statistics import Counters
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.wire.errors import CalledAs, EsdbError
    from fastapi_esdb.wire.method import Method


PAUSES = Backoff(first=0.1, limit=0.5, jitter=0.2)
"""Between two tries: short, since an election takes seconds and each of them counts."""

Tell = Callable[["Channel", "EsdbError"], None]
"""Is told of each try that failed, and where."""


class Retry:
    """Decides after each failure whether the call is made again, and waits until then."""

    __slots__ = (
        "_called_as",
        "_counters",
        "_made",
        "_method",
        "_pauses",
        "_pinned",
        "_pool",
        "_readiness",
        "_tell",
        "channel",
        "deadline",
        "leaves_time",
        "preference",
    )

    def __init__(
        self,
        method: Method[Any, Any],
        preference: NodePreference,
        deadline: Deadline,
        counters: Counters,
        tell: Tell,
        *,
        pool: str,
        called_as: CalledAs,
        readiness: ReadinessCheck,
        pinned: bool,
        leaves_time: bool = False,
    ) -> None:
        self._pool = pool
        self._called_as = called_as
        self.preference = preference
        """The kind of node that it goes to."""
        self.deadline = deadline
        self.channel: Channel | None = None
        """Where the latest try went."""
        self._method = method
        self._counters = counters
        self._tell = tell
        self._readiness = readiness
        self._pinned = pinned
        """Whether there is one node to go to and no other, so that its refusal is the answer."""
        self.leaves_time = leaves_time and method.writes
        """Whether only half of the time that is left when it is sent is for its answer."""
        self._made = 0
        self._pauses: Iterator[float] | None = None
        counters.calls += 1

    @property
    def answer_deadline(self) -> Deadline:
        """Until when an answer to what is sent now is waited for."""
        return self.deadline.halved(monotonic()) if self.leaves_time else self.deadline

    @property
    def is_first(self) -> bool:
        """Whether no try has failed so far."""
        return self._made == 0

    async def failed(self, error: EsdbError, *, final: bool = False) -> None:
        """Return when it is time for the next try; raise the error if there is none, surely so if it is `final`."""
        self._made += 1
        self._sign(error)
        if self.channel is not None:
            self._tell(self.channel, error)
        self._pauses = self._pauses or PAUSES.delays()
        pause = next(self._pauses)
        final |= self._pinned and isinstance(error, NotLeader)
        if final or not await self._may_repeat(error) or self.deadline.left() <= pause:
            self._counters.failures += 1
            raise error
        self._counters.retries += 1
        await asyncio.sleep(pause)

    def _sign(self, error: EsdbError) -> None:
        """Have the error say where it comes from."""
        error.pool = self._pool
        if isinstance(error, AccessDenied | NotAuthenticated):
            error.called_as = self._called_as

    async def _may_repeat(self, error: EsdbError) -> bool:
        if may_repeat(error, self._method, self._made):
            return True
        return await self._readiness.explains(error, self.channel, self.deadline)


def may_repeat(error: EsdbError, method: Method[Any, Any], tries: int) -> bool:
    """Whether making the call another time is harmless and may help; `tries` is how often it was made.

    What the server surely did not execute may be sent again whatever it is, and a read may even if it was executed.
    That there is no connection is an answer: whoever wants to wait for one has done so already.
    """
    if isinstance(error, ConnectionClosed | TooManyStreams):
        return False
    if isinstance(error, HandlerFailed) or (isinstance(error, NoAnswer) and error.reason):
        return _may_be_meant_for_another(method, tries)
    if error.outcome is Outcome.UNKNOWN:
        return not method.writes
    return error.outcome is Outcome.NOT_EXECUTED


def _may_be_meant_for_another(method: Method[Any, Any], tries: int) -> bool:
    """A follower that has just refused a BatchAppend fails another call of the connection, which is fine the next time.

    Seen with EventStoreDB 24.6. Failing twice, it is the call itself that the server can't take, or answers with what
    can't be read.
    """
    return not method.writes and tries == 1


class ReadinessCheck:
    """Asks the node itself, once for all calls that it refuses at a time."""

    def __init__(self) -> None:
        self._asking: dict[Channel, asyncio.Task[bool]] = {}

    async def explains(self, error: EsdbError, channel: Channel | None, deadline: Deadline) -> bool:
        """Whether the call has ended with a refusal that says nothing, since the node is not ready yet."""
        if not isinstance(error, NotAuthenticated) or channel is None:
            return False
        asking = self._asking.get(channel) or self._ask(channel)
        await asyncio.wait([asking], timeout=deadline.left())
        return asking.done() and not asking.cancelled() and asking.result()

    def _ask(self, channel: Channel) -> asyncio.Task[bool]:
        self._asking[channel] = asking = channel.run(says_not_ready(channel), "esdb-readiness")
        asking.add_done_callback(lambda _: self._asking.pop(channel))
        return asking
