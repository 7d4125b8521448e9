"""Reading a stream."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastapi_esdb import filters
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.reading import Read
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS
from fastapi_esdb.connection.grpcio.reader_threads import MOST_CALLS
from fastapi_esdb.wire.errors import InvalidArgument, StreamDeleted, StreamNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, START, Position
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.api.fakes import FakeCarrier, recorded
from tests.support.transports import OVER_BOTH
from tests.support.waiting import until


async def five(esdb: Connection, stream: str = "s") -> None:
    await esdb.append(stream, [NewEvent("Counted", {"n": number}) for number in range(5)])


def revisions(events: list[RecordedEvent]) -> list[int]:
    return [event.revision for event in events]


READS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2, 3, 4]),
    ({"start": START}, [0, 1, 2, 3, 4]),
    ({"start": 3}, [3, 4]),
    ({"start": 4, "limit": 1}, [4]),
    ({"start": 1, "limit": 2}, [1, 2]),
    ({"start": 5}, []),
    ({"start": MAX_REVISION}, []),
    ({"start": END}, []),
    ({"limit": 0}, []),
    ({"limit": 100}, [0, 1, 2, 3, 4]),
    ({"backwards": True}, [4, 3, 2, 1, 0]),
    ({"backwards": True, "start": END, "limit": 2}, [4, 3]),
    ({"backwards": True, "start": 2}, [2, 1, 0]),
    ({"backwards": True, "start": START}, [0]),
    ({"backwards": True, "start": 100, "limit": 1}, [4]),
    ({"backwards": True, "limit": 0}, []),
]


@OVER_BOTH
@pytest.mark.parametrize(("options", "expected"), READS)
async def test_a_read_gives_its_part_of_the_stream(
    esdb: Connection, options: dict[str, Any], expected: list[int]
) -> None:
    """Forwards and backwards, the start included, as many as the limit says."""
    await five(esdb)
    assert revisions([event async for event in esdb.read("s", **options)]) == expected
    assert revisions(await esdb.read("s", **options).to_list()) == expected


@pytest.mark.parametrize("options", [{"limit": 0}, {"start": END}, {"backwards": True, "limit": 0}])
async def test_what_servers_do_not_answer_well_is_not_asked(options: dict[str, Any]) -> None:
    """Servers fail on it with "Exception was thrown by handler."; the answer is known anyway."""
    carrier = FakeCarrier()
    assert await Streams(carrier).read("s", **options).to_list() == []
    assert carrier.requests == []


async def test_a_missing_stream_is_told_when_it_is_read(esdb: Connection) -> None:
    """Not when the read is made."""
    read = esdb.read("nowhere")
    with pytest.raises(StreamNotFound) as caught:
        await anext(read)
    assert caught.value.stream == "nowhere"


@OVER_BOTH
async def test_a_deleted_stream_is_missing(esdb: Connection) -> None:
    """Until it is written again; a tombstoned one stays deleted."""
    await five(esdb)
    await esdb.delete("s")
    with pytest.raises(StreamNotFound):
        await esdb.read("s").to_list()
    await esdb.append("s", NewEvent("Again", {}))
    assert revisions(await esdb.read("s").to_list()) == [5]
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted):
        await esdb.read("s").to_list()


async def test_truncated_events_are_skipped(esdb: Connection) -> None:
    """Reading from a truncated revision gives the first one that is left."""
    await five(esdb)
    await esdb.set_metadata("s", StreamMetadata(truncate_before=3))
    assert revisions(await esdb.read("s").to_list()) == [3, 4]
    assert revisions(await esdb.read("s", start=1, limit=1).to_list()) == [3]


@OVER_BOTH
async def test_links_are_resolved_on_request(esdb: Connection) -> None:
    """The event that is pointed at, with the link it was found through; a dead link is given as itself."""
    await five(esdb)
    links = [NewEvent("$>", target.encode()) for target in ("3@s", "0@s", "7@s", "0@gone")]
    await esdb.append("links", links)
    plain = await esdb.read("links").to_list()
    assert [(event.type, event.link) for event in plain] == [("$>", None)] * 4
    found = await esdb.read("links", resolve_links=True).to_list()
    assert [(event.stream, event.revision) for event in found[:2]] == [("s", 3), ("s", 0)]
    assert [(event.original.stream, event.original.revision) for event in found] == [("links", n) for n in range(4)]
    assert [event.is_unresolved_link for event in found] == [False, False, True, True]


async def test_a_long_stream_arrives_whole_and_in_order(esdb: Connection) -> None:
    """Many pages of the server, one call."""
    for start in range(0, 3_000, 500):
        await esdb.append("long", [NewEvent("N", {"n": number}) for number in range(start, start + 500)])
    assert revisions([event async for event in esdb.read("long")]) == list(range(3_000))
    assert revisions(await esdb.read("long", backwards=True).to_list()) == list(range(2_999, -1, -1))


async def test_events_come_in_batches_on_request(esdb: Connection) -> None:
    """The same events; what was taken one by one before does not come again."""
    await esdb.append("long", [NewEvent("N", {"n": number}) for number in range(1_000)])
    read = esdb.read("long")
    first = await anext(read)
    batches = [batch async for batch in read.batches()]
    assert revisions([first, *(event for batch in batches for event in batch)]) == list(range(1_000))
    assert all(batches)
    assert len(batches) < 1_000
    assert [batch async for batch in read.batches()] == []


@OVER_BOTH
@pytest.mark.parametrize("limit", [None, 5, 40])
async def test_errors_are_those_of_any_read(esdb: Connection, limit: int | None) -> None:
    """Also in batches."""
    with pytest.raises(StreamNotFound):
        _ = [batch async for batch in esdb.read("nowhere", limit=limit).batches()]


@pytest.mark.parametrize("limit", [None, 5, 20, 21, 40, 700])
async def test_a_limit_is_exact(esdb: Connection, limit: int | None) -> None:
    """However the events are received."""
    await esdb.append("long", [NewEvent("N", {}) for _ in range(600)])
    assert len(await esdb.read("long", limit=limit).to_list()) == min(limit or 600, 600)
    assert len(await esdb.read("long", limit=limit, backwards=True).to_list()) == min(limit or 600, 600)


async def test_more_reads_at_a_time_than_threads(esdb: Connection) -> None:
    """Each has all of its events."""
    await esdb.append("long", [NewEvent("N", {}) for _ in range(300)])
    found = await asyncio.gather(*(esdb.read("long").to_list() for _ in range(MOST_CALLS + 3)))
    assert {tuple(revisions(events)) for events in found} == {tuple(range(300))}


async def test_a_read_may_be_entered(esdb: Connection) -> None:
    """Which gives it back at the end of the block, whatever happens in it."""
    await five(esdb)
    async with esdb.read("s") as events:
        assert (await anext(events)).revision == 0
    assert [event async for event in events] == []


BAD: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    (("",), {}, "stream must be a text"),
    (("$all",), {"start": 3}, "start must be a Position"),
    (("s",), {"filter": filters.by_type("T")}, r"filter is for '\$all' only: stream 's' is given as a whole"),
    (("s",), {"start": -1}, "start must be between 0 and"),
    (("s",), {"start": MAX_REVISION + 1}, "start must be between 0 and"),
    (("s",), {"start": Position(1, 1)}, "start must be a revision"),
    (("s",), {"start": "0"}, "start must be a whole number"),
    (("s",), {"limit": -1}, "limit must be between 0 and"),
    (("s",), {"timeout": -1}, "timeout must be a number of seconds, 0 or more"),
]


@pytest.mark.parametrize(("args", "options", "message"), BAD)
def test_bad_arguments_are_named(args: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    """Where the read is made, before anything is sent."""
    with pytest.raises(InvalidArgument, match=message):
        Streams(FakeCarrier()).read(*args, **options)


def read_of(*frames: object) -> tuple[FakeCarrier, Read]:
    """A read whose call is answered with these frames; an event of asyncio is waited for."""
    carrier = FakeCarrier([frames])
    return carrier, Read(carrier, ReadRequest("s"), DEFAULT_OPTIONS)


async def test_a_wait_that_is_given_up_loses_nothing() -> None:
    """The call goes on, and what comes is for whoever asks next."""
    carrier, read = read_of(asyncio.Event(), recorded(0), recorded(1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(read), 0.01)
    assert carrier.open_calls == 1
    assert [event.revision async for event in read] == [0, 1]
    assert (carrier.open_calls, len(carrier.requests)) == (0, 1)


async def test_closing_wakes_a_task_that_waits() -> None:
    """It sees the end of the read, and is not cancelled itself."""
    carrier, read = read_of(recorded(0), asyncio.Event())
    waiting = asyncio.create_task(_revisions(read))
    await until(lambda: carrier.open_calls == 1)
    await read.aclose()
    assert await waiting == [0]
    assert (waiting.cancelling(), carrier.open_calls) == (0, 0)


async def test_two_tasks_cannot_wait_for_the_same_event() -> None:
    """The second one is told so, and the first one goes on."""
    come = asyncio.Event()
    _, read = read_of(come, recorded(0))
    first = asyncio.create_task(_revisions(read))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="another task"):
        await anext(read)
    come.set()
    assert await first == [0]


async def test_a_read_that_is_forgotten_ends_its_call() -> None:
    """As soon as nothing refers to it."""
    carrier, read = read_of(recorded(0), recorded(1))
    assert (await anext(read)).revision == 0
    del read
    await until(lambda: not carrier.open_calls)


async def _revisions(read: Read) -> list[int]:
    return [event.revision async for event in read]
