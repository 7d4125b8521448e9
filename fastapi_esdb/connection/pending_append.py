"""An append that has no answer yet, in a call that it shares with others."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionRefused,
    EsdbError,
    NoAnswer,
    NotAuthenticated,
    NotLeader,
    NotSupported,
    Outcome,
)
from fastapi_esdb.wire.errors.unreadable import unreadable

if TYPE_CHECKING:
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

ELECTION = 0.25
"""Seconds that pass at least from the end of a node's leadership until it says that another one leads (measured: 0.28).

What it was given longer ago it may have begun to write before it was deposed.
"""

REFUSES_ALL = (NotAuthenticated, AccessDenied, NotSupported)
"""Ends of a call that was not let in: each append in it was refused."""


@dataclass(slots=True, eq=False)
class PendingAppend:
    """The append, the moment of its deadline, and what the caller waits for."""

    request: AppendRequest
    deadline: float
    answer: asyncio.Future[AppendResult]
    leaves_time: bool = False
    """Whether only half of the time that is left when it is sent is for its answer."""
    size: int = 0
    """Bytes of its message."""
    sent_at: float = field(default=0.0)
    """When its message was handed to gRPC."""
    is_late: bool = False
    """Whether it was said that its answer takes long."""

    def leave(self, now: float) -> None:
        """Take note that it is being sent."""
        self.sent_at = now
        if self.leaves_time:
            self.deadline, self.leaves_time = (self.deadline + now) / 2, False

    def finish(self, result: AppendResult | EsdbError) -> None:
        """Give the caller what it waits for, if it still does."""
        answer = self.answer
        if answer.done():
            return
        if not isinstance(result, EsdbError):
            answer.set_result(result)
            return
        answer.set_exception(result)
        answer.exception()  # a caller that is cancelled at this very moment does not look at it

    def fail(self, error: EsdbError) -> None:
        """Raise an error of its own in the caller: a shared one would collect the traces of all.

        One that can't be copied is no reason for the caller, or for those behind it, to wait on.
        """
        try:
            own = copy(error)
            own.__cause__ = error.__cause__
        except Exception as problem:
            log.exception("fault", f"an append could not be told why it failed: {type(error)!r}")
            own = unreadable(problem)
        self.finish(own)


def fate(error: EsdbError, pending: PendingAppend, *, alone: bool, answered: bool) -> EsdbError:
    """Return the error of an append that was sent in a call that ended with this one, without an answer of its own.

    An error of the call is about one of its appends, and nothing tells which, unless it was `alone`. Before anything
    was `answered` it is about the call, and so about all.
    """
    if error.outcome is Outcome.UNKNOWN or alone or not answered:
        return error
    if isinstance(error, NotLeader) and monotonic() - pending.sent_at < ELECTION:
        return error
    unknown = NoAnswer()
    unknown.__cause__ = error
    return unknown


def fate_unsent(error: EsdbError) -> EsdbError:
    """Return the error of an append that was not sent before its call ended with this one."""
    if isinstance(error, REFUSES_ALL):
        return error
    return ConnectionClosed() if isinstance(error, ClosedInFlight) else ConnectionRefused()
