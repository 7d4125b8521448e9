"""No usable answer arrived."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.wire.errors.kinds import NetworkError, Outcome


class ServerTimeout(NetworkError):
    """The server gave up waiting inside (for its disk or for other nodes); what it was doing may still happen."""

    def __str__(self) -> str:
        return "the server timed out; whether it carried the call out is not known"


@dataclass(eq=False)
class HandlerFailed(NetworkError):
    """An unhandled exception in the server; for a read it is an answer, for a write nothing is known."""

    message: str = ""

    def __str__(self) -> str:
        return f"the server failed while handling the call: {self.message}"


class DeadlineExceeded(NetworkError):
    """The call's deadline passed before its answer came."""

    def __str__(self) -> str:
        return "the deadline of the call passed before the server answered"


class ConnectionLost(NetworkError):
    """The connection broke while the call was in flight."""

    def __str__(self) -> str:
        return "the connection was lost while the call was in flight"


@dataclass(eq=False)
class ConnectionRefused(NetworkError):
    """No connection could be made, so the call never left; `reason` says why, as far as it is known."""

    reason: str = ""
    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return "the server could not be reached" + (f": {self.reason}" if self.reason else "")


@dataclass(eq=False)
class NoAnswer(NetworkError):
    """The call ended without error and without the answer it owes; `reason` says what was odd about one that came."""

    reason: str = ""

    def __str__(self) -> str:
        unread = f"the server's answer can't be read ({self.reason})"
        return unread if self.reason else "the server ended the call without answering it"
