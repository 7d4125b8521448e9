"""Subscribing to a server: history, then what happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fastapi_esdb import filters
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.errors import ConnectionClosed, SubscriptionClosed
from fastapi_esdb.wire.errors import StreamDeleted
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, START, Edge, Position
from fastapi_esdb.wire.streams.values import CaughtUp, Checkpoint
from tests.support.lost_answers import HeldUp
from tests.support.target import own_server
from tests.support.transports import OVER_BOTH, OVER_GRPCIO
from tests.support.waiting import PATIENCE, take, until

OURS = filters.exclude_system()


async def append(esdb: Connection, count: int, stream: str = "s") -> None:
    await esdb.append(stream, [NewEvent("Counted", {"n": number}) for number in range(count)])


async def revisions(subscription: AsyncIterator[RecordedEvent], count: int) -> list[int]:
    return [event.revision for event in await take(subscription, count)]


async def live(subscription: Subscription[int] | Subscription[Position]) -> None:
    """Read history until the subscription says that it is live."""
    async with asyncio.timeout(PATIENCE):
        async for message in subscription.messages():
            if isinstance(message, CaughtUp):
                return


@OVER_BOTH
async def test_history_comes_first_then_what_happens(esdb: Connection) -> None:
    """Without a seam, in order."""
    await append(esdb, 3)
    async with esdb.subscribe("s") as subscription:
        assert await revisions(subscription, 3) == [0, 1, 2]
        await append(esdb, 2)
        assert await revisions(subscription, 2) == [3, 4]


async def test_events_can_be_iterated_without_a_context(esdb: Connection) -> None:
    """Breaking out ends it."""
    await append(esdb, 3)
    found = []
    async for event in esdb.subscribe("s"):
        found.append(event.revision)
        if event.revision == 2:
            break
    assert found == [0, 1, 2]


@pytest.mark.parametrize(("after", "expected"), [(START, [0, 1, 2, 3, 4]), (0, [1, 2, 3, 4]), (2, [3, 4]), (END, [4])])
async def test_the_place_it_begins_after_is_excluded(esdb: Connection, after: int | Edge, expected: list[int]) -> None:
    """protocol: subscriptions give what comes after the place."""
    await append(esdb, 4)
    async with esdb.subscribe("s", after=after) as subscription:
        await append(esdb, 1)
        assert await revisions(subscription, len(expected)) == expected


@own_server
async def test_from_the_end_nothing_written_since_is_missed(esdb: Connection) -> None:
    """Whatever is written right after the context was entered."""
    await append(esdb, 3)
    for round_ in range(10):
        async with esdb.subscribe("s", after=END) as subscription, esdb.subscribe_all(after=END, filter=OURS) as every:
            await append(esdb, 1)
            assert await revisions(subscription, 1) == [3 + round_]
            assert await revisions(every, 1) == [3 + round_]


async def test_a_stream_that_is_not_there_yet_is_waited_for(esdb: Connection) -> None:
    """From its start and from its end, which are the same."""
    async with esdb.subscribe("s") as first, esdb.subscribe("s", after=END) as second:
        await append(esdb, 2)
        assert await revisions(first, 2) == [0, 1]
        assert await revisions(second, 2) == [0, 1]


async def test_messages_tell_when_it_is_live(esdb: Connection) -> None:
    """After the history, and before what happens."""
    await append(esdb, 2)
    async with esdb.subscribe("s") as subscription:
        messages = subscription.messages()
        kinds = [type(message) for message in await take(messages, 3)]
        assert kinds == [RecordedEvent, RecordedEvent, CaughtUp]
        assert subscription.is_live
        await append(esdb, 1)
        (message,) = await take(messages, 1)
        assert isinstance(message, RecordedEvent)
        assert subscription.checkpoint == 2


@own_server
async def test_much_history_comes_whole_while_more_is_written(esdb: Connection) -> None:
    """It is read by another call than what comes live; the reader sees no seam."""

    async def write() -> None:
        for _ in range(40):
            await append(esdb, 25)
            await asyncio.sleep(0)

    for _ in range(4):
        await append(esdb, 500)
    async with esdb.subscribe("s") as subscription, esdb.subscribe_all(filter=OURS) as every:
        writing = asyncio.create_task(write())
        assert await revisions(subscription, 3_000) == list(range(3_000))
        assert await revisions(every, 3_000) == list(range(3_000))
        await writing
        await append(esdb, 1)
        assert await revisions(subscription, 1) == [3_000]
        assert await revisions(every, 1) == [3_000]


@OVER_GRPCIO
async def test_much_history_that_is_held_up(esdb: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each pause the quick way is found again, and nothing is missed or doubled."""
    monkeypatch.setattr("fastapi_esdb.api.subscribing.QUIET", 0.2)
    for _ in range(4):
        await append(esdb, 500)
    held_up = HeldUp(monkeypatch, [2, 4])  # those that are to be quick
    async with esdb.subscribe("s") as subscription:
        assert await revisions(subscription, 2_000) == list(range(2_000))
        assert held_up.calls >= 6


async def test_much_history_is_told_to_be_over_once(esdb: Connection) -> None:
    """Although more than one call was needed for it."""
    await append(esdb, 1_000)
    async with esdb.subscribe("s") as subscription:
        messages = subscription.messages()
        kinds = [type(message) for message in await take(messages, 1_001)]
        assert kinds == [RecordedEvent] * 1_000 + [CaughtUp]
        assert subscription.is_live
        waiting = asyncio.create_task(take(messages, 1))
        await append(esdb, 1)
        assert [type(message) for message in await waiting] == [RecordedEvent]


@OVER_GRPCIO
async def test_events_come_in_batches_on_request(esdb: Connection) -> None:
    """The checkpoint is that of the last event of the batch."""
    await append(esdb, 1_000)
    found: list[RecordedEvent] = []
    count = 0
    async with esdb.subscribe("s") as subscription, asyncio.timeout(PATIENCE):
        async for batch in subscription.batches():
            found += batch
            count += 1
            assert subscription.checkpoint == batch[-1].revision
            if len(found) == 1_000:
                break
    assert [event.revision for event in found] == list(range(1_000))
    assert count < 1_000


async def test_its_checkpoint_is_that_of_the_event_given(esdb: Connection) -> None:
    """Not that of one that has arrived and waits for its turn."""
    await append(esdb, 1_000)
    async with esdb.subscribe("s") as subscription:
        for revision in range(600):
            await anext(subscription)
            assert subscription.checkpoint == revision
        place = subscription.checkpoint
    async with esdb.subscribe("s", after=place) as subscription:
        assert await revisions(subscription, 400) == list(range(600, 1_000))


async def test_it_goes_on_from_its_checkpoint(esdb: Connection) -> None:
    """Another time, in another process."""
    await append(esdb, 5)
    async with esdb.subscribe("s") as subscription:
        await take(subscription, 2)
        place = subscription.checkpoint
    async with esdb.subscribe("s", after=place) as subscription:
        assert await revisions(subscription, 3) == [2, 3, 4]


@OVER_BOTH
@own_server
async def test_all_streams_in_the_order_of_their_writes(esdb: Connection) -> None:
    """With positions to go on from."""
    for stream in ("a", "b", "a"):
        await append(esdb, 1, stream)
    async with esdb.subscribe_all(filter=OURS) as subscription:
        found = await take(subscription, 2)
        place = subscription.checkpoint
    assert [(event.stream, event.revision) for event in found] == [("a", 0), ("b", 0)]
    assert place == found[-1].position
    async with esdb.subscribe_all(after=place, filter=OURS) as subscription:
        (last,) = await take(subscription, 1)
    assert (last.stream, last.revision) == ("a", 1)


async def test_a_filter_lets_only_its_events_through(esdb: Connection) -> None:
    """History and live; checkpoints tell how far the rest was searched."""
    await append(esdb, 100, "noise")
    await append(esdb, 1, "order-1")
    chosen = filters.by_stream("order-", window=10)
    async with esdb.subscribe_all(filter=chosen) as subscription:
        messages = subscription.messages()
        told = await take(messages, 2)
        while not isinstance(told[-1], CaughtUp):
            told += await take(messages, 1)
        await append(esdb, 1, "noise")
        await append(esdb, 1, "order-2")
        while not isinstance(told[-1], RecordedEvent):
            told += await take(messages, 1)
    events = [message for message in told if isinstance(message, RecordedEvent)]
    assert [event.stream for event in events] == ["order-1", "order-2"]
    checkpoints = [message.position for message in told if isinstance(message, Checkpoint)]
    assert checkpoints == sorted(checkpoints)
    assert checkpoints


async def test_a_checkpoint_of_the_filter_skips_nothing(esdb: Connection) -> None:
    """Going on from it gives the next event that matches."""
    await append(esdb, 50, "noise")
    async with esdb.subscribe_all(filter=filters.by_stream("order-", window=5)) as subscription:
        await live(subscription)
        place = subscription.checkpoint
    assert place is not START
    await append(esdb, 1, "order-1")
    async with esdb.subscribe_all(after=place, filter=filters.by_stream("order-")) as subscription:
        (event,) = await take(subscription, 1)
    assert event.stream == "order-1"


async def test_links_are_resolved_live_too(esdb: Connection) -> None:
    """The checkpoint is the link's."""
    await append(esdb, 3)
    async with esdb.subscribe("links", resolve_links=True) as subscription:
        await esdb.append("links", NewEvent("$>", b"2@s"))
        (event,) = await take(subscription, 1)
        assert (event.stream, event.revision, subscription.checkpoint) == ("s", 2, 0)


async def test_a_tombstoned_stream_is_not_followed(esdb: Connection) -> None:
    """Opening it fails."""
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted):
        async with esdb.subscribe("s"):
            pass
    with pytest.raises(StreamDeleted):
        async with esdb.subscribe("s", after=END):
            pass


async def test_truncated_events_do_not_come(esdb: Connection) -> None:
    """The subscription begins with the first one that is left."""
    await append(esdb, 4)
    await esdb.set_metadata("s", StreamMetadata(truncate_before=3))
    async with esdb.subscribe("s") as subscription:
        assert await revisions(subscription, 1) == [3]


async def test_many_read_at_their_own_pace(esdb: Connection) -> None:
    """A slow reader holds up nobody, and misses nothing."""
    await append(esdb, 10)
    async with esdb.subscribe("s") as slow:
        assert await revisions(slow, 1) == [0]
        async with esdb.subscribe("s") as fast:
            await append(esdb, 500)
            assert await revisions(fast, 510) == list(range(510))
        assert await revisions(slow, 509) == list(range(1, 510))


async def test_it_ends_when_it_is_closed_by_another_task(esdb: Connection) -> None:
    """The waiting task sees the end of the iteration."""

    async def read() -> int:
        return len([event async for event in subscription])

    await append(esdb, 2)
    async with esdb.subscribe("s") as subscription:
        task = asyncio.create_task(read())
        await until(lambda: subscription.checkpoint == 1)
    assert await asyncio.wait_for(task, PATIENCE) == 2


async def test_a_close_on_purpose_ends_it_with_its_place(esdb: Connection) -> None:
    """And never with a cancellation."""
    await append(esdb, 3)
    async with esdb.subscribe("s") as subscription:
        await take(subscription, 2)
        await esdb.close()
        with pytest.raises(SubscriptionClosed) as caught:
            await take(subscription, 5)
    assert caught.value.stream == "s"
    assert caught.value.after == subscription.checkpoint


async def test_without_a_connection_it_cannot_be_opened(esdb: Connection) -> None:
    """As with every call."""
    await esdb.close()
    with pytest.raises(ConnectionClosed):
        async with esdb.subscribe("s"):
            pass
    with pytest.raises(ConnectionClosed):
        await anext(esdb.subscribe_all(after=END))
