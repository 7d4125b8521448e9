"""Consumer groups of `$all`."""

from __future__ import annotations

import pytest

from fastapi_esdb.wire.errors import GroupDropped
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.methods import RESTART_GROUPS
from fastapi_esdb.wire.positions import END, Position
from tests.embedded.consuming import EAGER, Groups
from tests.support.bare_client import BareClient, event

STREAMS = EventFilter(by_stream=True, prefixes=("a", "b"))


@pytest.fixture
def groups(client: BareClient) -> Groups:
    return Groups(client)


async def test_everything_from_the_start(groups: Groups, client: BareClient) -> None:
    """What was there, the server's own configuration of the group, and what comes."""
    await client.write("a")
    await groups.create(None)
    await client.write("b")
    async with groups.consume(None) as consumer:
        streams = [one.event.stream for one in await consumer.take(4)]
    config = "$persistentSubscriptionConfig"
    assert streams == ["a", f"$${config}", config, "b"]


async def test_only_what_is_new(groups: Groups, client: BareClient) -> None:
    """A group that begins at the end does not get its own configuration."""
    await client.write("a")
    await groups.create(None, start=END)
    await client.write("b")
    async with groups.consume(None) as consumer:
        assert (await consumer.next()).event.stream == "b"


async def test_from_a_position(groups: Groups, client: BareClient) -> None:
    """The record there included."""
    await client.write("a")
    position = (await client.write("b")).position
    assert position
    await groups.create(None, start=position)
    async with groups.consume(None) as consumer:
        assert (await consumer.next()).event.stream == "b"


async def test_from_where_no_record_begins(groups: Groups, client: BareClient) -> None:
    """The group is made, and drops its consumers since it can't read."""
    position = (await client.write("a", data=b"{}" + b" " * 100)).position
    assert position
    await client.write("a")
    await groups.create(None, start=Position(position.commit + 1, position.prepare + 1))
    async with groups.consume(None) as consumer:
        with pytest.raises(GroupDropped):
            await consumer.next()


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (STREAMS, [("a", "T"), ("b", "U"), ("a", "V")]),
        (EventFilter(by_stream=True, regex="^[^$a]"), [("b", "U"), ("c", "U")]),
        (EventFilter(prefixes=("U",)), [("b", "U"), ("c", "U")]),
        (EventFilter(regex="V$"), [("a", "V")]),
    ],
)
async def test_a_filter(groups: Groups, client: BareClient, chosen: EventFilter, wanted: list[tuple[str, str]]) -> None:
    """The same for history and for what is new; an update keeps it."""
    written = (("a", "T"), ("b", "U"), ("c", "U"), ("a", "V"))
    await groups.create(None, chosen=chosen, **EAGER)
    for _ in range(2):
        for stream, event_type in written:
            await client.append(stream, event(event_type))
        async with groups.consume(None) as consumer:
            events = await consumer.take(len(wanted))
            assert [(one.event.stream, one.event.type) for one in events] == wanted
            await consumer.ack(*events)
            await groups.until(None, holds=lambda info: info.outstanding == 0)
        await groups.update(None, live_buffer_size=9, **EAGER)


async def test_history_without_a_match(groups: Groups, client: BareClient) -> None:
    """It is searched once: the checkpoint moves on without an event."""
    for _ in range(10):
        await client.write("c", 100)
    await groups.create(None, chosen=STREAMS, max_checkpoint_count=100)
    await client.write("a")
    async with groups.consume(None) as consumer:
        assert (await consumer.next()).event.stream == "a"
        info = await groups.info(None)
    assert isinstance(info.last_checkpointed, Position)
    assert isinstance(info.last_known, Position)
    assert info.last_checkpointed < info.last_known


async def test_new_events_without_a_match(groups: Groups, client: BareClient) -> None:
    """They move the checkpoint too, and the group goes on behind them after a restart."""
    await groups.create(None, chosen=STREAMS, start=END, max_checkpoint_count=5)
    position = (await client.write("c", 5)).position
    info = await groups.until(None, holds=lambda info: info.last_checkpointed is not None)
    assert info.last_checkpointed == position
    await client.write("a")
    await client.call(RESTART_GROUPS, None)
    async with groups.consume(None) as consumer:
        assert (await consumer.next()).event.stream == "a"


async def test_the_progress_of_all(groups: Groups, client: BareClient) -> None:
    """It is a position; consumers go on behind it."""
    await groups.create(None, chosen=STREAMS, **EAGER)
    await client.write("a", 3)
    async with groups.consume(None, buffer_size=1) as consumer:
        first = await consumer.next()
        await consumer.ack(first)
        await groups.until(None, holds=lambda info: info.last_checkpointed == first.event.position)
    await client.call(RESTART_GROUPS, None)
    async with groups.consume(None) as consumer:
        assert await consumer.seen(2) == [(1, 0), (2, 0)]
