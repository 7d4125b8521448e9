"""Whether a call that failed is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi_esdb.errors import ConnectionClosed, TooManyStreams
from fastapi_esdb.wire.errors import HandlerFailed, NoAnswer, Outcome

if TYPE_CHECKING:
    from fastapi_esdb.wire.errors import EsdbError
    from fastapi_esdb.wire.method import Method


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
