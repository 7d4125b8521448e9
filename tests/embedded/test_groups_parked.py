"""Parked events: where they are, and how they come back."""

from __future__ import annotations

import pytest

from fastapi_esdb.wire.errors import GroupFailed
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent
from fastapi_esdb.wire.groups.methods import REPLAY_PARKED
from fastapi_esdb.wire.groups.values import NackAction, ReplayParked
from fastapi_esdb.wire.proto.v1 import persistent_pb2
from fastapi_esdb.wire.streams.methods import DELETE
from fastapi_esdb.wire.streams.values import ALL, DeleteRequest, ReadRequest
from tests.embedded.consuming import EAGER, Consuming, Groups
from tests.support.bare_client import BareClient, event


@pytest.fixture
def groups(client: BareClient) -> Groups:
    return Groups(client)


async def parked_events(client: BareClient, source: str = "a", *, resolve: bool = False) -> list[RecordedEvent]:
    return await client.read(ReadRequest(f"$persistentsubscription-{source}::g-parked", resolve_links=resolve))


async def park(groups: Groups, consumer: Consuming, count: int) -> None:
    """Park so many events and wait until they are."""
    before = (await groups.info("a")).parked
    await consumer.nack(*await consumer.take(count), action=NackAction.PARK)
    await groups.until("a", holds=lambda info: info.parked == before + count)


async def test_what_is_parked(groups: Groups, client: BareClient) -> None:
    """A link to the event with the reason, and with its number unless that is 0."""
    await client.write("a", 2)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await park(groups, consumer, 2)
    first, second = await parked_events(client)
    assert (first.type, first.content_type, first.data) == (LINK_TYPE, OCTET_STREAM, b"0@a")
    assert second.data == b"1@a"
    told = first.json_metadata()
    assert set(told) == {"added", "reason"}
    assert told["reason"] == "Client explicitly NAK'ed message.\nbecause"
    assert second.json_metadata()["subscriptionEventNumber"] == 1
    assert [one.stream for one in await parked_events(client, resolve=True)] == ["a", "a"]


async def test_beyond_the_maximum_of_retries(groups: Groups, client: BareClient) -> None:
    """Failures and time-outs count alike."""
    await client.write("a", 1)
    await groups.create("a", max_retry_count=2, message_timeout_ms=100)
    async with groups.consume("a") as consumer:
        await consumer.nack(await consumer.next())
        assert await consumer.seen(2) == [(0, 1), (0, 2)]
        await groups.until("a", holds=lambda info: info.parked == 1)
    [link] = await parked_events(client)
    assert link.json_metadata()["reason"] == "Reached retry count of 2"


async def test_a_replay(groups: Groups, client: BareClient) -> None:
    """All parked events come again, as through links, for the first time; then none is left."""
    await client.write("a", 3)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await park(groups, consumer, 3)
        await groups.replay("a")
        events = await consumer.take(3)
        assert [(one.event.stream, one.event.revision, one.retry_count) for one in events] == [
            ("a", revision, 0) for revision in range(3)
        ]
        assert [one.event.original.revision for one in events] == [0, 1, 2]
        assert {one.event.original.stream for one in events} == {"$persistentsubscription-a::g-parked"}
        await consumer.ack(*events)
        await groups.until("a", holds=lambda info: info.parked == info.outstanding == 0 and info.status == "Live")
    assert await parked_events(client) == []


async def test_a_replay_up_to_a_revision(groups: Groups, client: BareClient) -> None:
    """Of the stream of parked events, that one excluded; the rest stays parked."""
    await client.write("a", 4)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await park(groups, consumer, 4)
        await groups.replay("a", stop_at=3)
        assert [one.event.revision for one in await consumer.take(3)] == [0, 1, 2]
        await groups.until("a", holds=lambda info: info.parked == 1)
        await groups.replay("a", stop_at=100)
        assert (await consumer.next()).event.revision == 3
        await groups.until("a", holds=lambda info: info.parked == 0)


async def test_a_replay_up_to_a_revision_that_was_replayed(groups: Groups, client: BareClient) -> None:
    """Nothing is delivered, and what was replayed from that revision on is parked again, as on a real server."""
    await client.write("a", 3)
    await groups.create("a")
    async with groups.consume("a", buffer_size=20) as consumer:
        await park(groups, consumer, 3)
        await groups.replay("a")
        await groups.until("a", holds=lambda info: info.parked == 0)
        await consumer.ack(*await consumer.take(3))
        await groups.replay("a", stop_at=1)
        await groups.until("a", holds=lambda info: info.parked == 2 and info.status == "Live")
        assert [one.revision for one in await parked_events(client)] == [1, 2]
        await groups.replay("a")
        assert [one.event.original.revision for one in await consumer.take(2)] == [1, 2]


async def test_a_replay_up_to_nothing_never_ends(groups: Groups, client: BareClient) -> None:
    """The group replays nothing any more, as on a real server, until it is changed or the server starts again."""
    await client.write("a", 1)
    await groups.create("a", **EAGER)
    async with groups.consume("a") as consumer:
        await park(groups, consumer, 1)
        await groups.replay("a", stop_at=0)
        await groups.replay("a")
        info = await groups.info("a")
        assert (info.parked, info.status) == (1, "ReplayingParkedMessages, Live")
    await groups.update("a", **EAGER)
    async with groups.consume("a") as consumer:
        await groups.replay("a")
        assert (await consumer.next()).event.revision == 0


async def test_what_is_gone_does_not_come_back(groups: Groups, client: BareClient) -> None:
    """A replay leaves out events that can't be read any more."""
    await client.write("a", 2)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await park(groups, consumer, 2)
        await client.append("$$a", event("$metadata", b'{"$tb": 1}'))
        await groups.replay("a")
        assert (await consumer.next()).event.revision == 1
        await groups.until("a", holds=lambda info: info.parked == 0)


async def test_a_replayed_event_may_be_parked_again(groups: Groups, client: BareClient) -> None:
    """A link to the event itself, and not to the former link."""
    await client.write("a", 1)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await park(groups, consumer, 1)
        await groups.replay("a")
        await groups.until("a", holds=lambda info: info.parked == 0)
        await park(groups, consumer, 1)
    [link] = await parked_events(client)
    assert (link.revision, link.data) == (1, b"0@a")


async def test_a_replay_without_parked_events(groups: Groups, client: BareClient) -> None:
    """Is none, with or without a bound."""
    await client.write("a", 1)
    await groups.create("a")
    await groups.replay("a")
    await groups.replay("a", stop_at=0)
    async with groups.consume("a") as consumer:
        assert await consumer.seen(1) == [(0, 0)]


async def test_a_negative_bound(groups: Groups, client: BareClient) -> None:
    """It is refused with the words of a real server."""
    await groups.create("a")
    call = client.open(REPLAY_PARKED)
    await call.raw.write(
        persistent_pb2.ReplayParkedReq(
            options={"group_name": "g", "stream_identifier": {"stream_name": b"a"}, "stop_at": -1}
        ).SerializeToString()
    )
    await call.done_sending()
    with pytest.raises(GroupFailed) as raised:
        await anext(call)
    assert raised.value.reason == "Cannot stop replaying parked message at a negative version."


async def test_the_parked_events_of_all(groups: Groups, client: BareClient) -> None:
    """Neither they nor the checkpoints are in `$all`, so that a group does not feed on itself."""
    await groups.create(None, min_checkpoint_count=1, max_checkpoint_count=1)
    await client.write("a", 1)
    async with groups.consume(None, buffer_size=1) as consumer:
        one = await consumer.next()
        while one.event.stream != "a":
            await consumer.ack(one)
            one = await consumer.next()
        await consumer.nack(one, action=NackAction.PARK)
        await groups.until(None, holds=lambda info: info.parked == 1)
        assert await consumer.is_silent()
    assert len(await parked_events(client, ALL)) == 1
    assert not [one for one in await client.read(ReadRequest(None)) if "$all::g" in one.stream]


async def test_parked_events_outlive_their_group(groups: Groups, client: BareClient) -> None:
    """They can't be read or replayed, but count with the first that another group of that name parks."""
    await client.write("a", 1)
    await groups.create("a")
    async with groups.consume("a") as consumer:
        await park(groups, consumer, 1)
    await groups.delete("a")
    assert await parked_events(client) == []
    await groups.create("a")
    assert (await groups.info("a")).parked == 0
    await client.call(REPLAY_PARKED, ReplayParked("a", "g"))
    async with groups.consume("a") as consumer:
        await consumer.nack(await consumer.next(), action=NackAction.PARK)
        await groups.until("a", holds=lambda info: info.parked == 2)
        assert [one.revision for one in await parked_events(client)] == [1]
        await groups.replay("a")
        await groups.until("a", holds=lambda info: info.parked == 0)


async def test_a_group_that_is_changed_counts_anew(groups: Groups, client: BareClient) -> None:
    """Without a checkpoint it knows of no parked event, until it parks another one; with one it looks."""
    await client.write("a", 3)
    await groups.create("a", min_checkpoint_count=10, max_checkpoint_count=10)
    async with groups.consume("a", buffer_size=1) as consumer:
        await park(groups, consumer, 1)
    await groups.update("a", **EAGER)
    assert (await groups.info("a")).parked == 0
    async with groups.consume("a", buffer_size=1) as consumer:
        await consumer.nack(await consumer.next(), action=NackAction.PARK)
        await groups.until("a", holds=lambda info: info.parked == 2 and info.last_checkpointed == 0)
    await groups.update("a", **EAGER)
    assert (await groups.info("a")).parked == 2


async def test_after_a_soft_delete_only_what_was_buffered_is_delivered(groups: Groups, client: BareClient) -> None:
    """And then what is written next, of which the group hears."""
    await client.write("a", 5)
    await groups.create("a", history_buffer_size=5, read_batch_size=2, live_buffer_size=5)
    await client.write("a", 4)
    await groups.until("a", holds=lambda info: info.last_known == 8)
    await client.call(DELETE, DeleteRequest("a"))
    async with groups.consume("a") as consumer:
        events = await consumer.take(4)
        assert [one.event.revision for one in events] == [0, 1, 2, 3]
        await consumer.ack(*events)
        await groups.until("a", holds=lambda info: info.in_flight == 0 and info.read_buffer_count == 0)
        await client.write("a", 1)
        assert (await consumer.next()).event.revision == 9
