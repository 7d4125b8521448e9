"""The database of a node: taking over a log, and taking back what is not durable."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.index import FIRST_POSITION
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.embedded.store.transactions import Epoch, Extent
from fastapi_esdb.wire.errors import StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from tests.embedded.cluster.simulation import Anything
from tests.support.bare_client import event

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LARGE = 1_000_000


async def opened() -> ReplicatedDatabase:
    database = ReplicatedDatabase(Anything(), clock=lambda: NOON, limits=Limits())
    await database.open()
    return database


async def written() -> ReplicatedDatabase:
    """A leader's log: its epoch, two transactions, and some more."""
    database = await opened()
    database.begin_epoch(1)
    await database.append("a", ANY, [event(), event(), event()])
    await database.append("b", ANY, [event()])
    await database.delete("b")
    await database.tombstone("b")
    await database.append("c", ANY, [event()])
    return database


async def test_nothing_is_shown_before_it_is_durable() -> None:
    """Readers see it when it is published."""
    database = await written()
    with pytest.raises(StreamNotFound):
        database.read_stream("a")
    database.publish(database.log_end)
    assert len(database.read_stream("a").records) == 3


async def test_a_log_is_taken_over() -> None:
    """Record by record: the copy is the same in everything, and can be written to in the same way."""
    leader, follower = await written(), await opened()
    start, sections = FIRST_POSITION, 0
    while start < leader.log_end:
        section = leader.section(start, 1)
        assert len(section.rows) == 1
        follower.apply(section)
        start, sections = section.end, sections + 1
        assert follower.received_end == start
        assert follower.log_end == leader.whole_before(start)
    assert sections == 8
    assert follower.extent == leader.extent
    for database in (leader, follower):
        database.publish(database.log_end)
    assert follower.read_all().records == leader.read_all().records
    await follower.append("a", 2, [event()])


async def test_what_another_node_has_written_is_no_repeat() -> None:
    """Its ids are known to that node alone: a new leader stores them once more, unless a revision leads to them."""
    leader, follower, one = await opened(), await opened(), event()
    leader.begin_epoch(1)
    await leader.append("a", NO_STREAM, [one])
    follower.apply(leader.section(FIRST_POSITION, LARGE))
    assert (await leader.append("a", ANY, [one])).revision == 0
    assert (await follower.append("a", NO_STREAM, [one])).revision == 0
    assert (await follower.append("a", ANY, [one])).revision == 1


async def test_a_write_that_is_not_whole() -> None:
    """Of a write that comes in sections nothing counts before its last one is there, and it is taken back whole."""
    leader, follower = await written(), await opened()
    before = leader.section(FIRST_POSITION, 1)
    half = leader.section(before.end, 200)
    assert [row[1] for row in half.rows] == ["a", "a"]
    follower.apply(before)
    kept = follower.extent
    for _ in range(2):
        follower.apply(half)
        assert follower.extent == kept
        follower.truncate(follower.log_end)
        assert follower.received_end == follower.log_end == before.end
    follower.apply(leader.section(before.end, LARGE))
    assert follower.extent == leader.extent


async def test_a_section_that_came_in_part() -> None:
    """What is there already is passed over, be it within a write."""
    leader, follower = await written(), await opened()
    whole = leader.section(FIRST_POSITION, LARGE)
    for size in (1, 300, 600):
        follower.apply(leader.section(FIRST_POSITION, size).since(follower.received_end))
    follower.apply(whole.since(follower.received_end))
    assert whole.since(follower.received_end).rows == []
    assert follower.extent == leader.extent


async def test_what_does_not_fit_is_refused() -> None:
    """A gap in a stream, or records from before the end."""
    leader, follower = await written(), await opened()
    follower.apply(leader.section(FIRST_POSITION, LARGE))
    with pytest.raises(ValueError, match="lies before"):
        follower.apply(leader.section(FIRST_POSITION, 1))


async def test_everything_is_taken_back() -> None:
    """As if it had never been written: streams, metadata, tombstones, repeats, epochs."""
    database = await opened()
    database.begin_epoch(1)
    kept, one = database.log_end, event()
    await database.append("a", ANY, [event()])
    await database.append("b", NO_STREAM, [one])
    await database.delete("b")
    await database.tombstone("b")
    database.begin_epoch(4)
    database.truncate(kept)
    assert database.extent == Extent((Epoch(1, FIRST_POSITION),), kept)
    with pytest.raises(WrongExpectedRevision):
        await database.append("a", 0, [event()])
    assert (await database.append("b", ANY, [one])).revision == 0
    database.publish(database.log_end)
    assert [record.id for record in database.read_stream("b").records] == [one.id]


async def test_what_is_durable_stays() -> None:
    """Nothing that was shown to anybody is taken back."""
    database = await written()
    database.publish(database.log_end)
    with pytest.raises(ValueError, match="durable"):
        database.truncate(FIRST_POSITION)


@pytest.mark.parametrize(
    ("other", "end"),
    [
        (Extent((), 512), 512),
        (Extent((Epoch(1, 512),), 700), 700),
        (Extent((Epoch(1, 512),), 950), 900),
        (Extent((Epoch(1, 512), Epoch(2, 600)), 800), 600),
        (Extent((Epoch(1, 512), Epoch(5, 900)), 1000), 1000),
        (Extent((Epoch(1, 512), Epoch(5, 900)), 2000), 1500),
        (Extent((Epoch(2, 512),), 800), 512),
    ],
)
def test_where_logs_part(other: Extent, end: int) -> None:
    """At the end of the epochs that both have, whichever way it is asked."""
    log = Extent((Epoch(1, 512), Epoch(5, 900)), 1500)
    assert log.common_end(other) == other.common_end(log) == end


def test_which_log_has_more() -> None:
    """A later term counts for more than a longer log."""
    logs = [Extent((), 512), Extent((Epoch(1, 512),), 900), Extent((Epoch(1, 512), Epoch(2, 600)), 700)]
    assert sorted(logs, key=lambda log: log.rank) == logs
