"""Deleting streams, for now and for good."""

from __future__ import annotations

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.errors import ClosedInFlight, OutcomeUnknown, WriteClosedInFlight
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    InvalidArgument,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, StreamState
from tests.api.fakes import FakeCarrier

EVENT = NewEvent("T", {})


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS, 0])
async def test_a_deleted_stream_can_be_written_again(esdb: Connection, expected: int | StreamState) -> None:
    """Its revisions go on."""
    await esdb.append("s", EVENT)
    position = await esdb.delete("s", expected)
    assert position is not None
    result = await esdb.append("s", NewEvent("Again", {}), NO_STREAM)
    assert result.revision == 1
    assert result.position is not None
    assert result.position > position


async def test_a_tombstoned_stream_is_gone_for_good(esdb: Connection) -> None:
    """Nothing can be done with its name any more."""
    await esdb.append("s", EVENT)
    assert await esdb.tombstone("s", 0) is not None
    for gone in (esdb.append("s", EVENT), esdb.delete("s"), esdb.tombstone("s"), esdb.get_metadata("s")):
        with pytest.raises(StreamDeleted):
            await gone


async def test_a_missing_stream(esdb: Connection) -> None:
    """Can't be deleted, whatever is expected, but tombstoned."""
    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.delete("s")
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("s", ANY, NO_STREAM)
    assert await esdb.tombstone("s", NO_STREAM) is not None


@pytest.mark.parametrize("remove", ["delete", "tombstone"])
async def test_a_stream_that_is_elsewhere_stays(esdb: Connection, remove: str) -> None:
    """The error has what was expected and what is."""
    await esdb.append("s", [EVENT, NewEvent("T", {})])
    with pytest.raises(WrongExpectedRevision) as caught:
        await getattr(esdb, remove)("s", 0)
    assert (caught.value.expected, caught.value.actual) == (0, 1)
    assert len(await esdb.read("s").to_list()) == 2


@pytest.mark.parametrize("remove", ["delete", "tombstone"])
async def test_a_lost_answer_leaves_the_outcome_unknown(remove: str) -> None:
    """It may have happened; sending it again would be told as a conflict with oneself."""
    for cause in (ConnectionLost(), ServerTimeout()):
        carrier = FakeCarrier(answers=[cause])
        with pytest.raises(OutcomeUnknown) as caught:
            await getattr(Streams(carrier), remove)("s")
        assert (caught.value.stream, caught.value.__cause__, len(carrier.requests)) == ("s", cause, 1)


async def test_a_close_on_purpose_leaves_the_outcome_unknown() -> None:
    """The error says both."""
    with pytest.raises(WriteClosedInFlight) as caught:
        await Streams(FakeCarrier(answers=[ClosedInFlight()])).delete("s")
    assert isinstance(caught.value, OutcomeUnknown)
    assert isinstance(caught.value, ClosedInFlight)
    assert str(caught.value) == "whether the write to 's' happened is not known"


async def test_a_refusal_is_told_as_it_is() -> None:
    """It is an answer."""
    with pytest.raises(AccessDenied):
        await Streams(FakeCarrier(answers=[AccessDenied()])).delete("s")


@pytest.mark.parametrize(("stream", "expected"), [("", ANY), ("s", -1), ("s", True), ("$all", ANY)])
async def test_bad_arguments_are_refused(stream: str, expected: int | StreamState) -> None:
    """Nothing is sent."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument):
        await Streams(carrier).delete(stream, expected)
    assert carrier.requests == []
