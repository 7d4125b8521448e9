"""What the appends of a client know of the log, and of the streams that are being looked at."""

from __future__ import annotations

from dataclasses import replace

from fastapi_esdb.pool.resolution_state import NewestPosition, StreamLock
from fastapi_esdb.wire.events.messages import commit_of
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.streams.methods import READ
from tests.api.fakes import recorded


def page(newest: int, oldest: int) -> list[RecordedEvent]:
    """Events as they are read backwards; each is at a hundred times its revision."""
    return [recorded(revision) for revision in range(newest, oldest - 1, -1)]


def at(commit: int) -> Position:
    return Position(commit, commit)


def test_the_newest_position() -> None:
    """Reads of older events take nothing back."""
    newest = NewestPosition()
    for commit in (500, 300, 700):
        newest.note(at(commit))
    assert newest.position == 700


def test_the_newest_event_that_was_read() -> None:
    """Whether it was decoded or made, it stands at its commit position; an old server tells none."""
    newest = NewestPosition()
    for position in (None, Position(700, 600), at(500)):
        made = replace(recorded(1), position=position)
        (decoded,) = READ.decode_answers([READ.encode_answer(made)])
        assert isinstance(decoded, RecordedEvent)
        for event in (made, decoded):
            assert commit_of(event) == (-1 if position is None else position.commit)
            newest.note_read(event)
    assert newest.position == 700


def test_a_log_that_was_put_back() -> None:
    """What is written comes behind what was seen before, or it is in another log: that one is gone."""
    newest = NewestPosition()
    newest.note(at(5_000))
    newest.note_written(at(6_000), 5_000)
    assert newest.position == 6_000
    newest.note_written(at(5_500), 5_000)  # it was answered behind a later one
    assert newest.position == 6_000
    newest.note_written(at(200), 6_000)
    assert newest.position == 200
    newest.note_written(None, 200)
    assert newest.position == 200


def test_pages_that_meet() -> None:
    """What was seen goes from the oldest event to the newest one, whoever looked."""
    lock = StreamLock()
    lock.note(page(120, 100))
    assert lock.reaches(10_000)
    assert not lock.reaches(9_000)
    lock.note(page(130, 121))
    lock.note(page(125, 90))
    assert (lock.reaches(9_000), lock.end) == (True, 130)


def test_pages_with_a_gap() -> None:
    """Only the newer ones count: what lies between was not seen."""
    lock = StreamLock()
    lock.note(page(120, 100))
    older = page(90, 80)
    lock.note(older)  # a leader showed it that had been deposed meanwhile
    assert not lock.reaches(8_000)
    newer = page(150, 140)
    lock.note(newer)
    assert lock.reaches(14_000)
    assert not lock.reaches(10_000)


def test_events_side_by_side() -> None:
    """An append is found where all of its events stand one behind the other, in their order."""
    lock = StreamLock()
    [newest, middle, oldest] = page(3, 1)
    lock.note([newest, middle, oldest])
    assert lock.find([middle.id, newest.id]) == newest
    assert lock.find([newest.id, middle.id]) is None
    assert lock.find([oldest.id, newest.id]) is None
    assert lock.find([newest.id, recorded(4).id]) is None
