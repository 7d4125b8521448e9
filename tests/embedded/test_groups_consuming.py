"""To consume a group: deliveries, answers, time-outs, several consumers, live and history."""

from __future__ import annotations

import asyncio

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import GroupDropped, GroupFull, GroupNotFound, InvalidArgument
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.groups.values import (
    Ack,
    ConsumerStrategy,
    GroupConfirmed,
    GroupEvent,
    GroupReadOptions,
    NackAction,
)
from fastapi_esdb.wire.positions import END
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.methods import DELETE, TOMBSTONE
from fastapi_esdb.wire.streams.values import ALL, DeleteRequest
from tests.embedded.consuming import EAGER, Consuming, Groups
from tests.support.bare_client import BareClient, connected, event
from tests.support.waiting import PATIENCE, until


@pytest.fixture
def groups(client: BareClient) -> Groups:
    return Groups(client)


async def test_the_confirmation_comes_first(groups: Groups, client: BareClient) -> None:
    """With an id made of the names; then the events, with their count."""
    await client.write("a", 2)
    await groups.create("a")
    call = client.open(READ_GROUP)
    await call.send(GroupReadOptions("a", "g"))
    confirmed, first, second = await call.take(3)
    assert confirmed == GroupConfirmed("a::g")
    assert isinstance(first, GroupEvent)
    assert isinstance(second, GroupEvent)
    assert [one.event.revision for one in (first, second)] == [0, 1]
    assert first.retry_count == 0
    call.cancel()


async def test_a_group_that_is_not_there(client: BareClient) -> None:
    """Nothing is confirmed."""
    call = client.open(READ_GROUP)
    await call.send(GroupReadOptions(None, "g"))
    with pytest.raises(GroupNotFound) as raised:
        await anext(call)
    assert raised.value.stream == ALL


async def test_a_full_group(groups: Groups) -> None:
    """There is room again when a consumer goes."""
    await groups.create("a", max_subscriber_count=1)
    async with groups.consume("a"):
        with pytest.raises(GroupFull):
            async with groups.consume("a"):
                pass
    await groups.until("a", holds=lambda info: not info.connections)
    async with groups.consume("a"):
        pass


async def test_options_twice(groups: Groups) -> None:
    """A consumer that changes its mind has to call again."""
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await consumer.call.send(GroupReadOptions("a", "g"))
        with pytest.raises(InvalidArgument, match="once"):
            await consumer.next()


async def test_new_events_follow_history(groups: Groups, client: BareClient) -> None:
    """Without a gap and without a repetition."""
    await client.write("a", 30)
    await groups.create("a")
    async with groups.consume("a", buffer_size=100) as consumer:
        await client.write("a", 30)
        assert await consumer.seen(60) == [(revision, 0) for revision in range(60)]


async def test_a_stream_may_come_later(groups: Groups, client: BareClient) -> None:
    """A group of a stream without events waits for them."""
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await client.write("a", 1)
        assert await consumer.seen(1) == [(0, 0)]


async def test_a_group_from_the_end(groups: Groups, client: BareClient) -> None:
    """It begins with what is written after its creation, with or without a consumer."""
    await client.write("a", 2)
    await groups.create("a", start=END)
    await client.write("a", 1)
    async with groups.consume("a") as consumer:
        assert await consumer.seen(1) == [(2, 0)]


async def test_a_group_from_a_revision(groups: Groups, client: BareClient) -> None:
    """That one included, and nothing before it even if it is still to come."""
    await client.write("a", 2)
    await groups.create("a", start=3)
    async with groups.consume("a") as consumer:
        await client.write("a", 3)
        assert await consumer.seen(2) == [(3, 0), (4, 0)]


async def test_as_much_as_the_buffer_takes(groups: Groups, client: BareClient) -> None:
    """The next event comes with the answer to one before it."""
    await client.write("a", 4)
    await groups.create("a")
    async with groups.consume("a", buffer_size=2) as consumer:
        _, second = await consumer.take(2)
        await consumer.ack(second)
        assert await consumer.seen(1) == [(2, 0)]
        info = await groups.info("a")
        assert (info.in_flight, info.read_buffer_count) == (2, 1)


async def test_many_events(groups: Groups, client: BareClient) -> None:
    """A small buffer of the group and one of the consumer are no limit to how much goes through."""
    for _ in range(5):
        await client.write("a", 200)
    await groups.create("a", read_batch_size=7, history_buffer_size=20, live_buffer_size=3)
    async with groups.consume("a", buffer_size=5) as consumer:
        for revision in range(1000):
            one = await consumer.next()
            assert (one.event.revision, one.retry_count) == (revision, 0)
            await consumer.ack(one)


async def test_a_group_that_falls_behind(groups: Groups, client: BareClient) -> None:
    """When the buffer overflows the group reads history again, and nothing is lost."""
    await groups.create("a", start=END, history_buffer_size=21, live_buffer_size=5)
    await client.write("a", 100)
    info = await groups.until("a", holds=lambda info: info.last_known == 99)
    assert (info.status, info.live_buffer_count) == ("Behind", 5)
    async with groups.consume("a", buffer_size=200) as consumer:
        assert await consumer.seen(100) == [(revision, 0) for revision in range(100)]
        await groups.until("a", holds=lambda info: info.status == "Live")


@pytest.mark.parametrize("action", [NackAction.RETRY, NackAction.UNKNOWN])
async def test_a_retried_event(groups: Groups, client: BareClient, action: NackAction) -> None:
    """It comes again with its count, until it is acknowledged."""
    await client.write("a", 1)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        for count in range(3):
            one = await consumer.next()
            assert one.retry_count == count
            await consumer.nack(one, action=action)
        await consumer.ack(await consumer.next())
        await groups.until("a", holds=lambda info: info.outstanding == 0)


@pytest.mark.parametrize("action", [NackAction.SKIP, NackAction.STOP])
async def test_a_skipped_event(groups: Groups, client: BareClient, action: NackAction) -> None:
    """It is handled, and the consumer goes on to get events."""
    await client.write("a", 2)
    await groups.create("a", **EAGER)
    async with groups.consume("a", buffer_size=1) as consumer:
        await consumer.nack(await consumer.next(), action=action)
        assert await consumer.seen(1) == [(1, 0)]
        await groups.until("a", holds=lambda info: info.last_checkpointed == 0)


async def test_an_event_without_an_answer(groups: Groups, client: BareClient) -> None:
    """It comes again by itself."""
    await client.write("a", 1)
    await groups.create("a", message_timeout_ms=100)
    async with groups.consume("a") as consumer:
        assert await consumer.seen(2) == [(0, 0), (0, 1)]


async def test_a_consumer_that_goes(groups: Groups, client: BareClient) -> None:
    """What it had not answered goes to another one at once."""
    await client.write("a", 3)
    await groups.create("a")
    async with groups.consume("a", buffer_size=2) as first:
        await first.ack((await first.take(2))[1])
        await first.next()
        async with groups.consume("a") as second:
            first.call.cancel()
            assert await second.seen(2) == [(0, 1), (2, 1)]


async def test_a_consumer_whose_connection_breaks(groups: Groups, client: BareClient, server: EmbeddedServer) -> None:
    """It counts as gone, as one that cancels."""
    await client.write("a", 1)
    await groups.create("a")
    async with connected(server.address) as other, Groups(other).consume("a") as first:
        await first.next()
    async with groups.consume("a") as second:
        assert await second.seen(1) == [(0, 1)]


async def test_a_consumer_that_half_closes(groups: Groups, client: BareClient) -> None:
    """It can't answer any more and goes on to get events, as on a real server."""
    await client.write("a", 1)
    await groups.create("a", message_timeout_ms=100)
    async with groups.consume("a") as consumer:
        await consumer.call.done_sending()
        assert await consumer.seen(2) == [(0, 0), (0, 1)]


async def test_round_robin(groups: Groups, client: BareClient) -> None:
    """Consumers take turns."""
    await groups.create("a", start=END, strategy=ConsumerStrategy.ROUND_ROBIN)
    async with groups.consume("a") as first, groups.consume("a") as second:
        await client.write("a", 4)
        assert await first.seen(2) == [(0, 0), (2, 0)]
        assert await second.seen(2) == [(1, 0), (3, 0)]


async def test_dispatch_to_single(groups: Groups, client: BareClient) -> None:
    """One consumer gets all that it takes, the other one the rest."""
    await groups.create("a", start=END, strategy=ConsumerStrategy.DISPATCH_TO_SINGLE)
    async with groups.consume("a", buffer_size=3) as first, groups.consume("a") as second:
        await client.write("a", 4)
        assert await first.seen(3) == [(0, 0), (1, 0), (2, 0)]
        assert await second.seen(1) == [(3, 0)]


@pytest.mark.parametrize("strategy", [ConsumerStrategy.PINNED, ConsumerStrategy.PINNED_BY_CORRELATION])
async def test_pinned(groups: Groups, client: BareClient, strategy: ConsumerStrategy) -> None:
    """The events of one stream are all with one consumer."""
    streams = [f"s-{n}" for n in range(10)]
    await groups.create(None, strategy=strategy, start=END)
    async with groups.consume(None, buffer_size=100) as first, groups.consume(None, buffer_size=100) as second:
        for stream in streams * 3:
            await client.write(stream)
        await groups.until(None, holds=lambda info: info.in_flight == 30)
        info = await groups.info(None)
        taken = [await one.take(c.in_flight) for one, c in zip((first, second), info.connections, strict=True)]
    owners = [{one.event.stream for one in events} for events in taken]
    assert owners[0].isdisjoint(owners[1])
    assert owners[0] | owners[1] == set(streams)


async def link(client: BareClient, stream: str, *targets: str) -> None:
    events = [event(LINK_TYPE, target.encode(), content_type=OCTET_STREAM) for target in targets]
    await client.append(stream, *events)


async def test_links_are_resolved(groups: Groups, client: BareClient) -> None:
    """Answers name the link; the event has the link's position, as on a real server."""
    await client.write("a", 1)
    await link(client, "links", "0@a", "7@gone")
    await groups.create("links", resolve_links=True)
    async with groups.consume("links") as consumer:
        resolved, broken = await consumer.take(2)
        assert (resolved.event.stream, resolved.event.original.stream) == ("a", "links")
        assert resolved.event.position == resolved.event.original.position
        assert broken.event.is_unresolved_link
        await consumer.ack(resolved, broken)
        await groups.until("links", holds=lambda info: info.outstanding == 0)


async def test_links_as_they_are(groups: Groups, client: BareClient) -> None:
    """Unless the group resolves them."""
    await link(client, "links", "0@a")
    await groups.create("links")
    async with groups.consume("links") as consumer:
        one = await consumer.next()
        assert (one.event.type, one.event.link) == (LINK_TYPE, None)


async def test_a_stream_that_is_tombstoned(groups: Groups, client: BareClient, server: EmbeddedServer) -> None:
    """A live group delivers the end of the stream; one that has to read can't, and drops everybody."""
    await client.write("a", 1)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await consumer.next()
        await client.call(TOMBSTONE, DeleteRequest("a"))
        last = await consumer.next()
        assert (last.event.type, last.event.revision) == ("$streamDeleted", MAX_REVISION)
    await groups.update("a")
    async with groups.consume("a") as consumer:
        with pytest.raises(GroupDropped):
            await consumer.next()
    await until(lambda: not server.open_calls)


async def test_a_stream_that_is_deleted_and_comes_back(groups: Groups, client: BareClient) -> None:
    """The group goes on behind what was deleted."""
    await client.write("a", 2)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await consumer.take(2)
        await client.call(DELETE, DeleteRequest("a"))
        await client.write("a", 1)
        assert await consumer.seen(1) == [(2, 0)]


async def test_answers_for_what_nobody_has(groups: Groups, client: BareClient) -> None:
    """They are passed over."""
    await client.write("a", 1)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await consumer.call.send(Ack((event().id,)))
        assert await consumer.seen(1) == [(0, 0)]


async def test_every_event_is_handled_although_consumers_come_and_go(groups: Groups, client: BareClient) -> None:
    """Each one at least once, and none again that was acknowledged."""
    await client.write("a", 100)
    await groups.create("a", max_retry_count=1000)
    handled: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(handled) < 100:
            async with groups.consume("a", buffer_size=4) as consumer:
                handled += await handle(consumer, 3, 100 - len(handled))
            await groups.until("a", holds=lambda info: not info.connections)
    assert sorted(handled) == list(range(100))


async def handle(consumer: Consuming, count: int, left: int) -> list[int]:
    """Handle some events and have one more in hand, as far as there are any."""
    events = await consumer.take(min(count + 1, left))
    done = events[:count]
    await consumer.ack(*done)
    await consumer.take(min(1, left - len(events)))
    return [one.event.revision for one in done]
