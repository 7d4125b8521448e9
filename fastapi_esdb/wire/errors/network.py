"""Failures of the connection, or of a server that did not answer: no usable answer arrived."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.wire.errors.kinds import NetworkError, Outcome


class ServerTimeout(NetworkError):
    """The server gave up waiting for its disk or for other nodes; it may still carry out the call later."""

    def __str__(self) -> str:
        return "the server timed out; whether it carried the call out is not known"


@dataclass(eq=False)
class HandlerFailed(NetworkError):
    """An unhandled exception in the server. A read has failed; a write may or may not have been carried out."""

    message: str = ""

    def __str__(self) -> str:
        return f"the server failed while handling the call: {self.message}"


class DeadlineExceeded(NetworkError):
    """The deadline of the call passed before its answer arrived."""

    def __str__(self) -> str:
        return "the deadline of the call passed before the server answered"


class ConnectionLost(NetworkError):
    """The connection broke while the call was in flight."""

    def __str__(self) -> str:
        return "the connection was lost while the call was in flight"


@dataclass(eq=False)
class ConnectionRefused(NetworkError):
    """The server could not be reached, so the call was never sent; `reason` says why, as far as it is known."""

    reason: str = ""
    outcome = Outcome.NOT_EXECUTED

    def __str__(self) -> str:
        return "the server could not be reached" + (f": {self.reason}" if self.reason else "")


@dataclass(eq=False)
class NoAnswer(NetworkError):
    """The call ended without an error and without a usable answer; `reason` says what is wrong with its answer."""

    reason: str = ""

    def __str__(self) -> str:
        unread = f"the server's answer can't be read ({self.reason})"
        return unread if self.reason else "the server ended the call without answering it"
