"""Subscriptions to a stream, beyond what the recorded exchanges show."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.services.frames import LIVE_WINDOW, PAGE
from fastapi_esdb.wire.errors import StreamDeleted
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, START, Edge
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.methods import DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import CaughtUp, DeleteRequest, ReadFrame, ReadRequest, SubscriptionConfirmed
from tests.support.bare_client import BareClient, OpenCall, event
from tests.support.waiting import until

Subscription = OpenCall[ReadRequest, ReadFrame]


async def subscribed(client: BareClient, stream: str = "a", start: int | Edge = START) -> Subscription:
    """A subscription that has just become live, its history read."""
    call = await client.subscribe(ReadRequest(stream, start, subscribe=True))
    assert isinstance(await anext(call), SubscriptionConfirmed)
    while not isinstance(await anext(call), CaughtUp):
        pass
    return call


async def revisions(call: Subscription, count: int) -> list[int]:
    """The revisions of so many events, whatever comes between them."""
    found: list[int] = []
    while len(found) < count:
        frame = await anext(call)
        found += [frame.revision] if isinstance(frame, RecordedEvent) else []
    return found


async def test_a_long_history(client: BareClient) -> None:
    """A history of several pages comes in order, without a gap between it and what is written meanwhile."""
    count = 3 * PAGE + 7
    await client.write("a", count)
    call = await client.subscribe(ReadRequest("a", subscribe=True))
    head = await call.take(10)
    await client.write("a", 5)
    rest = await revisions(call, count + 5 - 9)
    assert isinstance(head[0], SubscriptionConfirmed)
    assert [frame.revision for frame in head[1:] if isinstance(frame, RecordedEvent)] + rest == list(range(count + 5))


@pytest.mark.parametrize(("start", "revision"), [(START, 2), (END, 2), (1, 2), (2, 2), (7, 7)])
async def test_where_it_caught_up(client: BareClient, start: int | Edge, revision: int) -> None:
    """Caught up tells the last revision that the subscription came to, or began after."""
    await client.write("a", 3)
    call = await client.subscribe(ReadRequest("a", start, subscribe=True))
    frames: list[ReadFrame] = []
    while not frames or not isinstance(frames[-1], CaughtUp):
        frames.append(await anext(call))
    assert frames[-1].revision == revision


async def test_a_start_that_is_still_to_come(client: BareClient) -> None:
    """Who subscribes after a revision that does not exist yet gets what lies behind that one."""
    call = await subscribed(client, start=3)
    await client.write("a", 3)
    await client.write("a", 3)
    assert await revisions(call, 2) == [4, 5]


async def test_live_events_are_all_sent(client: BareClient) -> None:
    """A live subscription gets every event, also those that the stream's metadata hides from reads."""
    call = await subscribed(client)
    await client.append("$$a", event("$metadata", b'{"$maxCount": 1}'))
    await client.write("a", 5)
    await client.write("a", 5)
    assert await revisions(call, 10) == list(range(10))


async def test_history_shows_what_a_read_would(client: BareClient) -> None:
    """What the metadata hides is not part of the history."""
    await client.write("a", 5)
    await client.append("$$a", event("$metadata", b'{"$tb": 3}'))
    call = await client.subscribe(ReadRequest("a", subscribe=True))
    assert await revisions(call, 2) == [3, 4]


async def test_a_tombstone_comes_last(client: BareClient) -> None:
    """A tombstone ends a subscription, after everything that was written before it and the tombstone itself."""
    call = await subscribed(client)
    await client.write("a", 20)
    await client.call(TOMBSTONE, DeleteRequest("a"))
    assert await revisions(call, 21) == [*range(20), MAX_REVISION]
    with pytest.raises(StreamDeleted):
        await anext(call)


async def test_a_tombstone_in_the_history(client: BareClient) -> None:
    """A stream that is tombstoned while its history is read ends the subscription with the tombstone, too."""
    await client.write("a", 100, data=b"x" * 50_000)
    call = await client.subscribe(ReadRequest("a", subscribe=True))
    await call.take(2)
    for _ in range(3):
        await client.write("a", 100, data=b"x" * 50_000)
    await client.call(TOMBSTONE, DeleteRequest("a"))
    seen: list[int] = []
    while seen[-1:] != [MAX_REVISION]:
        seen += await revisions(call, 1)
    with pytest.raises(StreamDeleted):
        await anext(call)
    assert seen[:-1] == list(range(1, len(seen)))


async def test_a_soft_delete_ends_nothing(client: BareClient) -> None:
    """A subscription goes on through a soft delete: the stream may be written to again."""
    call = await subscribed(client)
    await client.write("a", 2)
    await client.call(DELETE, DeleteRequest("a"))
    await client.write("a", 2)
    assert await revisions(call, 4) == [0, 1, 2, 3]


async def test_a_soft_deleted_stream(client: BareClient) -> None:
    """A stream that is soft-deleted has no history, and may come back."""
    await client.write("a", 2)
    await client.call(DELETE, DeleteRequest("a"))
    call = await client.subscribe(ReadRequest("a", subscribe=True))
    confirmed, caught_up = await call.take(2)
    assert isinstance(confirmed, SubscriptionConfirmed)
    assert isinstance(caught_up, CaughtUp)
    assert caught_up.revision is None
    await client.write("a", 1)
    assert await revisions(call, 1) == [2]


async def test_the_metastream(client: BareClient) -> None:
    """Who follows a metastream gets each change of the metadata."""
    call = await subscribed(client, "$$a")
    for number in range(3):
        await client.append("$$a", event("$metadata", b'{"n": %d}' % number))
    assert await revisions(call, 3) == [0, 1, 2]


async def test_other_streams_are_not_followed(client: BareClient) -> None:
    """Writes to other streams, also to one whose name begins alike, are not seen."""
    call = await subscribed(client)
    await client.write("ab", 3)
    await client.write("a", 1)
    frame = await anext(call)
    assert isinstance(frame, RecordedEvent)
    assert (frame.stream, frame.revision) == ("a", 0)


async def test_a_slow_client(client: BareClient) -> None:
    """A client that falls behind gets everything once and in order, and is told again that it caught up."""
    call = await subscribed(client)
    count = 3 * LIVE_WINDOW
    for _ in range(count // 32):
        await client.write("a", 32, data=b"x" * 20_000)
    found: list[int] = []
    caught_up = 0
    while len(found) < count or not caught_up:
        frame = await anext(call)
        found += [frame.revision] if isinstance(frame, RecordedEvent) else []
        caught_up += isinstance(frame, CaughtUp)
    assert found == list(range(count))


async def test_many_followers(client: BareClient) -> None:
    """Many subscriptions to one stream each get everything."""
    calls = [await subscribed(client) for _ in range(50)]
    await client.write("a", 10)
    for call in calls:
        assert await revisions(call, 10) == list(range(10))


async def test_structured_ids(client: BareClient) -> None:
    """A subscription that asks for ids in two halves gets them so, live events included."""
    call = client.open(READ)
    await call.send(ReadRequest("a", subscribe=True, structured_ids=True))
    await call.done_sending()
    await call.take(2)
    await client.write("a")
    response = READ.response.message.FromString(await call.raw.read())
    assert response.event.event.id.WhichOneof("value") == "structured"  # type: ignore[attr-defined]  # a ReadResp


async def test_an_abandoned_subscription_is_freed(server: EmbeddedServer, client: BareClient) -> None:
    """A client that goes away leaves nothing behind, whether its subscription waits or is blocked."""
    waiting, blocked = await subscribed(client), await subscribed(client, "b")
    await client.write("b", 100, data=b"x" * 100_000)
    await until(lambda: server.open_calls == {"Streams.Read": 2})
    waiting.cancel()
    blocked.cancel()
    await until(lambda: not server.open_calls)
