"""What is kept at hand of the newest records."""

from __future__ import annotations

from uuid import uuid4

from fastapi_esdb.embedded.store.recent import RecentIds, RecentRecords
from fastapi_esdb.embedded.store.storage import at, position_of
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent
from tests.embedded.store.support import Clock


def record(position: int, size: int) -> RecordedEvent:
    return RecordedEvent(uuid4(), "a", position, "T", bytes(size), b"", JSON, Clock().now, at(position))


def test_recent_ids_are_bounded() -> None:
    """The newest ones are known, the number of all is limited."""
    ids = RecentIds(capacity=10)
    for number in range(25):
        ids.add(bytes([number]), number)
    known = [number for number in range(25) if ids.position(bytes([number])) == number]
    assert known == list(range(10, 25))


def test_an_id_written_again_is_known_where_it_was_first() -> None:
    """In whichever generation that is."""
    ids = RecentIds(capacity=2)
    for position, event_id in enumerate([b"a", b"b", b"c", b"a"]):
        ids.add(event_id, position)
    assert [ids.position(event_id) for event_id in (b"a", b"b", b"c", b"d")] == [0, 1, 2, None]


def test_what_was_taken_back_is_forgotten() -> None:
    """Unless it was written somewhere else before."""
    ids = RecentIds(capacity=2)
    for position, event_id in enumerate([b"a", b"b", b"c"]):
        ids.add(event_id, position)
    ids.forget(b"a", 0)
    ids.forget(b"b", 7)
    assert [ids.position(event_id) for event_id in (b"a", b"b", b"c")] == [None, 1, 2]


def test_recent_records_are_bounded_once_they_are_durable() -> None:
    """The oldest go first; what is not durable is nowhere else, and stays however much it is."""
    records = RecentRecords(budget=3000)
    written = [record(position, 1000) for position in range(10)]
    for one in written:
        records.add(one)
    records.trim(durable=3)
    assert [records.get(position_of(one)) for one in written] == [None] * 3 + written[3:]
    records.trim(durable=10)
    records.trim(durable=10)  # it drops a few at a time
    assert [records.get(position_of(one)) for one in written] == [None] * 8 + written[8:]
