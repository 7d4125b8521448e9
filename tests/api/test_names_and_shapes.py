"""What people write first, and what it does or says."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

import pytest

import fastapi_esdb
from fastapi_esdb import (
    END,
    NO_STREAM,
    START,
    AppendResult,
    Checkpoint,
    Connection,
    Consumer,
    GroupSettings,
    InvalidArgument,
    NewEvent,
    Position,
    Read,
    StreamAppend,
    StreamDeleted,
    StreamMetadata,
    StreamNotFound,
    Subscription,
    filters,
    metadata_stream,
    parked_stream,
)
from fastapi_esdb.api.arguments import expected_revision
from tests.api.consuming import append
from tests.support.target import own_server
from tests.support.waiting import take

ONE = NewEvent("Counted", {})


async def test_all_is_read_by_its_name(esdb: Connection) -> None:
    """As `read_all` reads it."""
    await append(esdb, 3)
    ours = filters.by_stream("s")
    assert await esdb.read("$all", filter=ours).to_list() == await esdb.read_all(filter=ours).to_list()
    [_, second, _] = events = await esdb.read("$all", filter=ours).to_list()
    assert second.position
    assert await esdb.read("$all", start=second.position, filter=ours).to_list() == events[1:]
    assert await esdb.read("$all", backwards=True, filter=ours, limit=1).to_list() == events[2:]


async def test_all_is_followed_by_its_name(esdb: Connection) -> None:
    """As `subscribe_all` follows it, and its checkpoint is a position."""
    await append(esdb, 2)
    async with esdb.subscribe("$all", filter=filters.by_stream("s")) as subscription:
        [first, second] = await take(subscription, 2)
        assert subscription.checkpoint == second.position
    async with esdb.subscribe("$all", after=first, filter=filters.by_stream("s")) as subscription:
        assert await take(subscription, 1) == [second]


async def test_what_cannot_be_done_with_all_says_so(esdb: Connection) -> None:
    """It is not written to."""
    with pytest.raises(InvalidArgument, match=r"it is for read\(\), subscribe\(\) and groups only"):
        await esdb.append("$all", ONE)
    with pytest.raises(InvalidArgument, match="filter is for"):
        await esdb.persistent_subscriptions.create("s", "g", start=START, filter=filters.by_stream("s"))


async def test_an_event_is_a_start_in_its_stream(esdb: Connection) -> None:
    """To follow it after that event, to read from it on, and to begin a group with it."""
    await append(esdb, 3)
    [_, second, third] = await esdb.read("s").to_list()
    assert await esdb.read("s", start=second).to_list() == [second, third]
    async with esdb.subscribe("s", after=second) as subscription:
        assert await take(subscription, 1) == [third]
    await esdb.persistent_subscriptions.create("s", "g", start=third)
    async with esdb.persistent_subscriptions.consume("s", "g") as consumer:
        assert [event.revision for event in await take(consumer, 1)] == [2]
    with pytest.raises(InvalidArgument, match="start is an event of stream 's', and 'other' is read"):
        esdb.read("other", start=second)


@own_server
async def test_an_event_is_a_start_in_all(esdb: Connection) -> None:
    """By its position, and so is a checkpoint."""
    await append(esdb, 3)
    [first, second, third] = await esdb.read_all(filter=filters.by_stream("s")).to_list()
    assert await esdb.read_all(start=third).to_list() == [third]
    assert first.position
    for after in (first, first.position, Checkpoint(first.position)):
        async with esdb.subscribe_all(after=after, filter=filters.by_stream("s")) as subscription:
            assert await take(subscription, 2) == [second, third]


async def test_a_link_is_a_start_in_both_of_its_streams(esdb: Connection) -> None:
    """Where the links are read it stands for its own revision, elsewhere for that of its target."""
    await append(esdb, 3)
    await esdb.append("links", [NewEvent("$>", target) for target in (b"2@s", b"1@s")])
    [_, linked] = await esdb.read("links", resolve_links=True).to_list()
    assert (linked.stream, linked.revision) == ("s", 1)
    assert len(await esdb.read("links", start=linked).to_list()) == 1
    assert [event.revision for event in await esdb.read("s", start=linked).to_list()] == [1, 2]


async def test_the_last_revision_of_a_stream(esdb: Connection) -> None:
    """It can be expected as it is, whatever the stream has gone through."""
    assert await esdb.last_revision("s") is NO_STREAM
    await esdb.append("s", [ONE, NewEvent("Counted", {})], await esdb.last_revision("s"))
    assert await esdb.last_revision("s") == 1
    await esdb.set_metadata("s", StreamMetadata(truncate_before=10))
    assert await esdb.last_revision("s") == 1
    await esdb.delete("s")
    assert await esdb.last_revision("s") is NO_STREAM
    assert (await esdb.append("s", NewEvent("Again", {}), await esdb.last_revision("s"))).revision == 2
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted):
        await esdb.last_revision("s")


@pytest.mark.parametrize("limit", [None, 5])
async def test_a_missing_stream_may_be_no_error(esdb: Connection, limit: int | None) -> None:
    """It has no events then; a tombstoned one is still refused."""
    assert await esdb.read("s", missing_ok=True, limit=limit).to_list() == []
    assert [event async for event in esdb.read("s", missing_ok=True, limit=limit)] == []
    with pytest.raises(StreamNotFound):
        await esdb.read("s", limit=limit).to_list()
    await append(esdb)
    assert len(await esdb.read("s", missing_ok=True, limit=limit).to_list()) == 1
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted):
        await esdb.read("s", missing_ok=True, limit=limit).to_list()


async def test_the_streams_beside_a_stream_have_public_names(esdb: Connection) -> None:
    """That of its metadata, and that of a group's parked events."""
    await append(esdb)
    await esdb.set_metadata("s", StreamMetadata(max_count=7))
    [metadata] = await esdb.read(metadata_stream("s")).to_list()
    assert metadata.json() == {"$maxCount": 7}
    await esdb.persistent_subscriptions.create("s", "g", GroupSettings(max_retry_count=0), start=START)
    async with esdb.persistent_subscriptions.consume("s", "g") as consumer:
        await consumer.nack(*await take(consumer, 1))
        async with esdb.subscribe(parked_stream("s", "g"), resolve_links=True) as parked:
            assert [event.revision for event in await take(parked, 1)] == [0]


NOT_AWAITED: list[tuple[Callable[[Connection], Any], str]] = [
    (lambda esdb: esdb.read("s"), r"`await esdb.read\(...\).to_list\(\)`"),
    (lambda esdb: esdb.read_all(), r"`async for event in esdb.read\(...\)`"),
    (lambda esdb: esdb.subscribe("s"), r"`async with esdb.subscribe\(...\) as events`"),
    (lambda esdb: esdb.persistent_subscriptions.consume("s", "g"), r"`async with .*consume\(...\) as events`"),
    (lambda esdb: esdb.stats(), "`async for item in ...`"),
]


@pytest.mark.parametrize(("make", "message"), NOT_AWAITED)
async def test_what_is_iterated_is_not_awaited(
    esdb: Connection, make: Callable[[Connection], Awaitable[Any]], message: str
) -> None:
    """Whoever does it is told what to write."""
    with pytest.raises(TypeError, match=message):
        await make(esdb)


@pytest.mark.parametrize("given", [{"password": "canary"}, [{"a": 1}], "OrderPlaced", [ONE, "x"], 7, b"{}"])
async def test_what_is_no_event_is_told_how_to_become_one(esdb: Connection, given: Any) -> None:
    """Without being shown, since it may hold a secret."""
    kind = "str" if given == [ONE, "x"] else "dict" if isinstance(given, list) else type(given).__name__
    with pytest.raises(InvalidArgument, match=rf"not {kind}: NewEvent\(\"OrderPlaced\", ") as caught:
        await esdb.append("s", given)
    assert "canary" not in str(caught.value)


def test_the_result_of_an_append_has_a_revision() -> None:
    """Type checkers take it for a number."""
    assert get_type_hints(AppendResult)["revision"] is int


async def test_the_former_name_of_a_multi_stream_append(esdb: Connection) -> None:
    """It does the same, and says that it is deprecated."""
    with pytest.warns(DeprecationWarning, match=r"append_session\(\) is now append_streams\(\)") as warned:
        result = await esdb.append_session([StreamAppend("s", ONE)])
    assert dict(result.revisions) == {"s": 0}
    assert warned[0].filename == __file__


async def test_a_new_group_says_where_it_begins(esdb: Connection) -> None:
    """Clients differ in what they assume."""
    with pytest.raises(TypeError, match="start"):
        await esdb.persistent_subscriptions.create("s", "g")  # type: ignore[call-arg]  # that is what is refused


def test_minus_one_is_told_the_word_for_it() -> None:
    """Others count the revision of a stream without events so."""
    with pytest.raises(InvalidArgument, match="not -1: for a stream without events say NO_STREAM"):
        expected_revision(-1)


@pytest.mark.parametrize("kind", [Read, Subscription, Consumer])
def test_what_is_iterated_can_be_named(kind: type) -> None:
    """In annotations, from the front door."""
    assert getattr(fastapi_esdb, kind.__name__) is kind
    assert inspect.isclass(kind)


@own_server
async def test_an_end_is_a_place_everywhere(esdb: Connection) -> None:
    """In streams and in all of them."""
    await append(esdb)
    async with esdb.subscribe("s", after=END) as one, esdb.subscribe("$all", after=END) as every:
        await append(esdb)
        assert [event.revision for event in (*await take(one, 1), *await take(every, 1))] == [1, 1]
    assert isinstance(one.checkpoint, int)
    assert isinstance(every.checkpoint, Position)
