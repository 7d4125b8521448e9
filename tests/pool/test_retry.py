"""Which failures let a call be made again."""

import pytest

from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, NotSentInTime, TlsFailed, TooManyStreams
from fastapi_esdb.pool.retry import may_repeat
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    EsdbError,
    HandlerFailed,
    InvalidArgument,
    NoAnswer,
    NotAuthenticated,
    NotLeader,
    ServerBusy,
    ServerNotReady,
    ServerTimeout,
    StreamDeleted,
)
from tests.support.scripted import READ, WRITE

NOT_EXECUTED = [NotLeader(), ServerNotReady(), ServerBusy(), ConnectionRefused(), TlsFailed("why"), NotSentInTime()]
UNKNOWN = [ConnectionLost(), DeadlineExceeded(), ServerTimeout(), NoAnswer()]
ANSWERED: list[EsdbError] = [AccessDenied(), NotAuthenticated(), InvalidArgument("why"), StreamDeleted("s")]
NO_CONNECTION: list[EsdbError] = [ConnectionClosed(), ClosedInFlight(), TooManyStreams(80, 1)]


@pytest.mark.parametrize("error", NOT_EXECUTED, ids=repr)
def test_what_was_not_executed_is_sent_again(error: EsdbError) -> None:
    """Reads and writes alike, however often."""
    assert may_repeat(error, READ, 7)
    assert may_repeat(error, WRITE, 7)


@pytest.mark.parametrize("error", UNKNOWN, ids=repr)
def test_only_reads_are_repeated_when_the_outcome_is_unknown(error: EsdbError) -> None:
    """A read does no harm twice; a write may have happened."""
    assert may_repeat(error, READ, 7)
    assert not may_repeat(error, WRITE, 1)


@pytest.mark.parametrize("error", ANSWERED + NO_CONNECTION, ids=repr)
def test_an_answer_is_an_answer(error: EsdbError) -> None:
    """What the server decided, and that there is no connection, is not tried again."""
    assert not may_repeat(error, READ, 1)
    assert not may_repeat(error, WRITE, 1)


@pytest.mark.parametrize("error", [HandlerFailed(), NoAnswer("it is odd")], ids=repr)
def test_some_failures_are_given_one_more_chance(error: EsdbError) -> None:
    """A read may have got the failure of another call, or an answer nobody can read; the second time it is its own.

    A write never repeats it.
    """
    assert may_repeat(error, READ, 1)
    assert not may_repeat(error, READ, 2)
    assert not may_repeat(error, WRITE, 1)
