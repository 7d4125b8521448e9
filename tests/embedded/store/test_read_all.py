"""Reads of the log of all events: order, positions, filters, what is hidden."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import event, events, shown


def names(records: tuple[RecordedEvent, ...]) -> list[str]:
    return [f"{record.stream}{record.revision}" for record in records]


async def fill(database: Database) -> list[Position]:
    """Two streams, interleaved: a0 a1 b0 a2; the positions of these events."""
    await database.append("a", ANY, events(2))
    await database.append("b", ANY, events(1))
    await database.append("a", ANY, events(1))
    return [record.position for record in database.read_all().records if record.position]


async def test_the_order_is_that_of_the_writes(database: Database) -> None:
    """Across streams, with positions that grow."""
    positions = await fill(database)
    assert names(database.read_all().records) == ["a0", "a1", "b0", "a2"]
    assert positions == sorted(set(positions))
    assert all(position.commit == position.prepare for position in positions)


async def test_forwards_includes_the_position_and_backwards_does_not(database: Database) -> None:
    """A place in the log lies before its record."""
    positions = await fill(database)
    assert names(database.read_all(positions[1]).records) == ["a1", "b0", "a2"]
    assert names(database.read_all(positions[2], BACKWARDS).records) == ["a1", "a0"]


async def test_the_ends(database: Database) -> None:
    """The end holds nothing forwards and everything backwards; the start the other way round."""
    await fill(database)
    assert names(database.read_all(END, BACKWARDS).records) == ["a2", "b0", "a1", "a0"]
    assert database.read_all(END).records == ()
    assert database.read_all(START, BACKWARDS).records == ()
    end = Position(2**64 - 1, 2**64 - 1)
    assert database.read_all(end).records == ()
    assert len(database.read_all(end, BACKWARDS).records) == 4


async def test_an_empty_log(database: Database) -> None:
    """It has an end and nothing else."""
    page = database.read_all()
    assert (page.records, page.searched, page.last_searched, page.is_end) == ((), 0, None, True)
    assert page.next == page.end == database.end
    assert database.last_position is None
    assert database.read_all(END, BACKWARDS).is_end


@pytest.mark.parametrize(("direction", "start"), [(FORWARDS, START), (BACKWARDS, END)])
@pytest.mark.parametrize(("limit", "window"), [(3, 100), (100, 3), (2, 3)])
async def test_pages_join_without_a_gap(
    database: Database, direction: Direction, start: Edge, limit: int, window: int
) -> None:
    """Whatever a page is cut by, the next one goes on where it ended."""
    await database.append("a", ANY, events(10))
    page = database.read_all(start, direction, limit, window=window)
    seen = list(page.records)
    while not page.is_end:
        page = database.read_all(page.next, direction, limit, window=window)
        seen += page.records
    expected = list(range(10)) if direction is FORWARDS else list(range(9, -1, -1))
    assert [record.revision for record in seen] == expected


@pytest.mark.parametrize(
    ("event_filter", "found"),
    [
        (EventFilter(by_stream=True, prefixes=("order-",)), ["order-10", "order-20"]),
        (EventFilter(by_stream=True, prefixes=("order-1", "user")), ["order-10", "user-10"]),
        (EventFilter(prefixes=("Placed", "Sign")), ["order-10", "user-10"]),
        (EventFilter(regex="ed$"), ["order-10", "order-20"]),
        (EventFilter(by_stream=True, regex="er-1"), ["order-10", "user-10", "$$order-10"]),
        (EventFilter(by_stream=True, regex="^user", prefixes=("order",)), ["user-10"]),
        (EventFilter(regex=r"^[^$].*"), ["order-10", "user-10", "order-20"]),
        (EventFilter(by_stream=True), []),
    ],
)
async def test_filters(database: Database, event_filter: EventFilter, found: list[str]) -> None:
    """By stream or type, by any of some prefixes or a regex found anywhere; a regex goes before prefixes."""
    await database.append("order-1", ANY, [event("Placed")])
    await database.append("user-1", ANY, [event("SignUp")])
    await database.append("$$order-1", ANY, [event("$metadata")])
    await database.append("order-2", ANY, [event("Shipped")])
    assert names(database.read_all(event_filter=event_filter).records) == found
    backwards = database.read_all(END, BACKWARDS, event_filter=event_filter)
    assert names(backwards.records) == found[::-1]


async def test_a_filtered_page_tells_how_far_it_searched(database: Database) -> None:
    """Records that don't match count, and a page ends where its window or its limit does."""
    await database.append("a", ANY, events(10))
    last = await database.append("b", ANY, events(2))
    only_b = EventFilter(by_stream=True, prefixes=("b",))
    first = database.read_all(event_filter=only_b, window=5)
    assert (first.records, first.searched, first.is_end) == ((), 5, False)
    assert first.last_searched == database.read_all(limit=5).records[-1].position
    second = database.read_all(first.next, event_filter=only_b, limit=1)
    assert (names(second.records), second.searched, second.is_end) == (["b0"], 6, False)
    third = database.read_all(second.next, event_filter=only_b)
    assert (names(third.records), third.searched, third.is_end) == (["b1"], 1, True)
    assert third.last_searched == last.position


@pytest.mark.parametrize("regex", ["(", "[", "a{2,1}", "(?P<n>a)(?P<n>b)"])
async def test_a_regex_that_is_none_is_refused(database: Database, regex: str) -> None:
    """The error names it."""
    with pytest.raises(InvalidArgument, match="regex"):
        database.read_all(event_filter=EventFilter(regex=regex))


async def test_odd_regexes_are_the_client_s_matter(database: Database) -> None:
    """Python warns of them, the server does not."""
    await fill(database)
    assert database.read_all(event_filter=EventFilter(by_stream=True, regex="[[a]")).records


@pytest.mark.parametrize("offset", [1, -1])
async def test_a_position_inside_a_record_is_refused(database: Database, offset: int) -> None:
    """In both directions, and for subscriptions."""
    inside = (await fill(database))[1].commit + offset
    position = Position(inside, inside)
    for direction in Direction:
        with pytest.raises(InvalidArgument, match=str(inside)):
            database.read_all(position, direction)
    with pytest.raises(InvalidArgument):
        database.after(position)


async def test_the_prepare_position_is_not_beyond_the_commit_position(database: Database) -> None:
    """It would be a place that no record can have."""
    position = (await fill(database))[1]
    with pytest.raises(InvalidArgument):
        database.read_all(Position(position.commit, position.commit + 1))


async def test_positions_beyond_the_end(database: Database) -> None:
    """Forwards there is nothing yet, as on a server that is behind; backwards it is a mistake."""
    await fill(database)
    beyond = Position(database.end.commit + 1000, database.end.commit + 1000)
    page = database.read_all(beyond)
    assert (page.records, page.next, page.is_end) == ((), database.end, True)
    assert database.after(beyond) == database.end
    with pytest.raises(InvalidArgument):
        database.read_all(beyond, BACKWARDS)


async def test_zero_is_the_beginning(database: Database) -> None:
    """It is a valid position, and no event is there."""
    positions = await fill(database)
    zero = Position(0, 0)
    assert len(database.read_all(zero).records) == 4
    assert database.after(zero) == positions[0]
    assert database.read_all(zero, BACKWARDS).records == ()


async def test_after_a_position_is_the_next_record(database: Database) -> None:
    """Subscriptions begin there: behind the last record it is the end, where the next one will be."""
    positions = await fill(database)
    assert [database.after(position) for position in positions] == [*positions[1:], database.end]
    assert database.last_position == positions[-1]
    result = await database.append("c", ANY, events(1))
    assert database.after(positions[-1]) == result.position
    between = Position(positions[0].commit + 1, positions[0].commit + 1)
    assert database.following(between) == database.following(positions[0]) == positions[1]


@pytest.mark.parametrize("position", ["limit", "window"])
async def test_nothing_can_be_asked_for_in_vain_only(database: Database, position: str) -> None:
    """A limit or a window of 0 is the caller's mistake."""
    with pytest.raises(InvalidArgument, match=position):
        database.read_all(limit=0 if position == "limit" else 1, window=0)


async def test_the_server_s_own_records_are_hidden(database: Database) -> None:
    """Epochs, the checkpoints of persistent subscriptions to `$all`, what empty appends leave; nothing else."""
    group = "$persistentsubscription-$all::group"
    for stream in ("$epoch-information", f"{group}-checkpoint", f"{group}-parked"):
        await database.append(stream, ANY, events(1))
    await database.append("a", ANY, [])
    visible = ["$settings", "$persistentsubscription-a::group-parked", "$ce-a", "$$a"]
    for stream in visible:
        await database.append(stream, ANY, events(1))
    assert shown(database) == [(stream, 0) for stream in visible]
    everything = EventFilter(by_stream=True, prefixes=("",))
    assert len(database.read_all(event_filter=everything).records) == len(visible)
    assert database.read_stream(f"{group}-parked").records
