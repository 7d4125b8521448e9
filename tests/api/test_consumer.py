"""Consuming a group: deliveries, answers, and how a consumer ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fastapi_esdb.api import acks
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.consuming import Consumer
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.persistent_subscriptions import PersistentSubscriptions
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import ConsumerClosed, ConsumerEnded
from fastapi_esdb.wire.errors import GroupFull, GroupNotFound, InvalidArgument
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent
from fastapi_esdb.wire.groups.values import GroupSettings, NackAction
from fastapi_esdb.wire.positions import START
from tests.api.consuming import EAGER, append, filled, seen, shown
from tests.support.pools import our_tasks
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, take, until

READ = "PersistentSubscriptions.Read"


@pytest.fixture
def groups(esdb: Connection) -> PersistentSubscriptions:
    return esdb.persistent_subscriptions


@OVER_BOTH
async def test_history_comes_first_and_then_what_happens(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """In order, as far as nothing is repeated."""
    await filled(esdb, 30)
    async with groups.consume("s", "g", buffer=40) as events:
        history = await take(events, 30)
        await events.ack(*history)
        await append(esdb, 2)
        assert seen([*history, *await take(events, 2)]) == [(revision, 0) for revision in range(32)]


@OVER_BOTH
async def test_what_was_acknowledged_does_not_come_again(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """What was not does, to the next consumer."""
    await filled(esdb, 4)
    async with groups.consume("s", "g") as events:
        first, second, *_ = await take(events, 4)
        await events.ack(first)
        await events.ack(second.id)
    async with groups.consume("s", "g") as events:
        assert seen(await take(events, 2)) == [(2, 1), (3, 1)]


@OVER_BOTH
async def test_the_last_answer_arrives(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """Leaving the context waits for it."""
    await filled(esdb, 1)
    async with groups.consume("s", "g") as events:
        await events.ack(*await take(events, 1))
    await shown(esdb, lambda info: info.last_checkpointed == 0)


@OVER_BOTH
async def test_more_come_while_others_are_handled(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """The server keeps the buffer of a consumer full: what it acknowledges makes room for as many others."""
    await filled(esdb, 20)
    async with groups.consume("s", "g", buffer=5) as events:
        await shown(esdb, lambda info: info.in_flight == 5)
        first, *_ = await take(events, 5)
        await events.ack(first)
        assert seen(await take(events, 1)) == [(5, 0)]
        info = await shown(esdb, lambda info: info.in_flight == 5)
    assert info.connections[0].available_slots == 0


async def test_two_consumers_share_the_events(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """Each event goes to one of them."""
    await groups.create("s", "g", EAGER, start=START)
    async with groups.consume("s", "g") as one, groups.consume("s", "g") as other:
        await append(esdb, 10)
        shares = [seen(await take(events, 5)) for events in (one, other)]
    assert sorted(shares[0] + shares[1]) == [(revision, 0) for revision in range(10)]


async def test_a_retry_comes_again_counted(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """It is what a nack asks for unless told otherwise."""
    await filled(esdb, 1)
    async with groups.consume("s", "g") as events:
        for count in range(3):
            [event] = await take(events, 1)
            assert event.retry_count == count
            await events.nack(event)


async def test_an_event_that_is_never_handled_is_parked(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """After the group's maximum of repeats."""
    await filled(esdb, 1, GroupSettings(max_retry_count=2))
    async with groups.consume("s", "g") as events:
        for _ in range(3):
            await events.nack(*await take(events, 1))
        await shown(esdb, lambda info: info.parked == 1)


async def test_a_parked_event_is_put_aside_with_its_reason(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """For people to look at; others go on."""
    await filled(esdb, 2)
    async with groups.consume("s", "g") as events:
        first, second = await take(events, 2)
        await events.nack(first, action=NackAction.PARK, reason="no such customer")
        await events.ack(second)
    await shown(esdb, lambda info: info.parked == 1 and info.last_checkpointed == 1)
    [parked] = await esdb.read("$persistentsubscription-s::g-parked").to_list()
    assert b"no such customer" in parked.metadata


@pytest.mark.parametrize("action", [NackAction.SKIP, NackAction.STOP])
async def test_a_skipped_event_counts_as_handled(
    esdb: Connection, groups: PersistentSubscriptions, action: NackAction
) -> None:
    """To stop means no more than that to servers."""
    await filled(esdb, 2)
    async with groups.consume("s", "g") as events:
        await events.nack(*await take(events, 2), action=action)
        info = await shown(esdb, lambda info: info.last_checkpointed == 1)
    assert info.parked == 0


async def test_what_is_not_answered_in_time_comes_again(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """To whoever consumes."""
    await filled(esdb, 1, GroupSettings(message_timeout_ms=100))
    async with groups.consume("s", "g") as events:
        assert seen(await take(events, 2)) == [(0, 0), (0, 1)]


async def test_what_ends_its_consumer_is_never_parked_by_the_group(
    esdb: Connection, groups: PersistentSubscriptions
) -> None:
    """However often that happens: only its count tells, by which the next consumer may park it."""
    await filled(esdb, 1, GroupSettings(max_retry_count=1))
    for count in range(4):
        async with groups.consume("s", "g") as events:
            assert seen(await take(events, 1)) == [(0, count)]
    assert (await shown(esdb, lambda info: not info.connections)).parked == 0
    async with groups.consume("s", "g") as events:
        [event] = await take(events, 1)
        await events.nack(event, action=NackAction.PARK)
    await shown(esdb, lambda info: info.parked == 1)


async def test_links_are_answered_by_their_own_ids(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """Though what they point at is delivered."""
    await append(esdb, 2, "target")
    await esdb.append("s", [NewEvent(LINK_TYPE, target) for target in (b"1@target", b"0@target")])
    await groups.create(
        "s", "g", GroupSettings(resolve_links=True, min_checkpoint_count=1, max_checkpoint_count=1), start=START
    )
    async with groups.consume("s", "g") as events:
        delivered = await take(events, 2)
        await events.ack(*delivered)
        await shown(esdb, lambda info: info.last_checkpointed == 1)
    assert [(event.stream, event.revision) for event in delivered] == [("target", 1), ("target", 0)]


async def test_many_in_one_answer(
    esdb: Connection, groups: PersistentSubscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go out in as many frames as that takes."""
    monkeypatch.setattr(acks, "MOST_IDS", 100)
    await filled(esdb, 250)
    async with groups.consume("s", "g", buffer=250) as events:
        await events.ack(*await take(events, 250))
        await shown(esdb, lambda info: info.last_checkpointed == 249)


async def test_without_a_context(
    esdb: Connection, groups: PersistentSubscriptions, esdb_server: EmbeddedServer
) -> None:
    """The first event opens the call, and closing ends it; once more does no harm."""
    await filled(esdb, 1)
    events = groups.consume("s", "g")
    assert READ not in esdb_server.open_calls
    await take(events, 1)
    assert esdb_server.open_calls[READ] == 1
    for _ in range(2):
        await events.aclose()
    await until(lambda: not esdb_server.open_calls[READ])


async def test_a_full_group(groups: PersistentSubscriptions) -> None:
    """Whoever comes too late is told so when entering."""
    await groups.create("s", "g", GroupSettings(max_subscriber_count=1), start=START)
    async with groups.consume("s", "g"):
        with pytest.raises(GroupFull):
            await groups.consume("s", "g").__aenter__()


BAD: list[tuple[Callable[[Any], Any], str]] = [
    (lambda events: events.ack("s"), "events must be the events that were delivered, or their ids, not str"),
    (lambda events: events.nack([]), "not list"),
    (lambda events: events.nack(action="park"), "action must be a NackAction, not 'park'"),
    (lambda events: events.nack(reason="\ud800"), "reason .* UTF-8 cannot encode"),
    (lambda events: events.nack(reason=None), "reason must be a text, not None"),
]


@pytest.mark.parametrize(("answer", "message"), BAD)
async def test_answers_that_are_none(
    groups: PersistentSubscriptions, answer: Callable[[Consumer], Any], message: str
) -> None:
    """They are refused where they are given."""
    with pytest.raises(InvalidArgument, match=message):
        await answer(groups.consume("s", "g"))


async def test_a_group_that_is_changed_keeps_its_consumers(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """The server drops them, and they come back by themselves."""
    await filled(esdb, 1)
    async with groups.consume("s", "g") as events:
        [first] = await take(events, 1)
        await events.ack(first)
        await shown(esdb, lambda info: info.last_checkpointed == 0)
        await groups.update("s", "g", GroupSettings(max_retry_count=1), start=START)
        await append(esdb)
        assert seen(await take(events, 1)) == [(1, 0)]


async def test_consumers_survive_a_restart_of_all_groups(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """What they had not answered comes again."""
    await filled(esdb, 1)
    async with groups.consume("s", "g") as events:
        await take(events, 1)
        await groups.restart()
        assert [event.revision for event in await take(events, 1)] == [0]


async def test_a_group_that_is_deleted_ends_its_consumers(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """There is nothing to wait for."""
    await filled(esdb, 0)
    async with groups.consume("s", "g") as events:
        await groups.delete("s", "g")
        with pytest.raises(GroupNotFound):
            await take(events, 1)
        with pytest.raises(StopAsyncIteration):
            await take(events, 1)


async def test_a_close_on_purpose_ends_it(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """The error names the group, and answers are refused as soon as it is closed."""
    await filled(esdb, 1)
    async with groups.consume("s", "g") as events:
        [event] = await take(events, 1)
        await esdb.close()
        with pytest.raises(ConsumerEnded, match="with its connection, which was closed"):
            await events.ack(event)
        with pytest.raises(ConsumerClosed) as caught:
            await take(events, 1)
    assert (caught.value.stream, caught.value.group) == ("s", "g")


async def test_a_cancelled_answer_harms_nobody(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """It is sent nevertheless, and events go on to come."""
    await filled(esdb, 3)
    async with groups.consume("s", "g") as events:
        for _ in range(3):
            answering = asyncio.create_task(events.ack(*await take(events, 1)))
            await asyncio.sleep(0)
            answering.cancel()
        await shown(esdb, lambda info: info.last_checkpointed == 2)
        await append(esdb)
        assert seen(await take(events, 1)) == [(3, 0)]


async def test_a_wait_that_is_given_up_keeps_the_consumer(
    esdb: Connection, groups: PersistentSubscriptions, esdb_server: EmbeddedServer
) -> None:
    """The next event comes, once, and can be answered; the server has seen one call."""
    await filled(esdb, 0)
    async with groups.consume("s", "g") as events:
        for revision in range(3):
            with pytest.raises(TimeoutError):
                await take(events, 1, 0.01)
            await append(esdb)
            [event] = await take(events, 1)
            assert (event.revision, event.retry_count) == (revision, 0)
            await events.ack(event)
        assert esdb_server.open_calls[READ] == 1
        await shown(esdb, lambda info: info.last_checkpointed == 2)


async def test_answers_after_the_end_are_refused(esdb: Connection, groups: PersistentSubscriptions) -> None:
    """Whatever ended it, and before it has begun: nobody would hear them."""
    await filled(esdb, 2)
    async with groups.consume("s", "g") as left:
        first, second = await take(left, 2)
        await left.ack(first)
    with pytest.raises(ConsumerEnded, match="group 'g' of 's' has ended, so the answer reaches nobody"):
        await left.ack(second)
    with pytest.raises(ConsumerEnded, match="not begun"):
        await groups.consume("s", "g").nack(second)
    async with groups.consume("s", "g") as deleted:
        await take(deleted, 1)
        await groups.delete("s", "g")
        with pytest.raises(GroupNotFound):
            await take(deleted, 1)
        with pytest.raises(ConsumerEnded):
            await deleted.nack(second)


async def test_it_can_be_left_while_a_task_waits_for_an_event(
    esdb: Connection, groups: PersistentSubscriptions
) -> None:
    """That task sees the end of the iteration."""
    await filled(esdb, 1)

    taken: list[RecordedEvent] = []
    has_come = asyncio.Event()

    async def consume(events: AsyncIterator[RecordedEvent]) -> str:
        async for event in events:
            taken.append(event)
            has_come.set()
        return "ended"

    async with groups.consume("s", "g") as events:
        consuming = asyncio.create_task(consume(events))
        await asyncio.wait_for(has_come.wait(), PATIENCE)
        assert not consuming.done()
    assert await asyncio.wait_for(consuming, PATIENCE) == "ended"
    assert len(taken) == 1


async def test_a_loop_that_is_abandoned_ends_the_call(
    esdb: Connection, groups: PersistentSubscriptions, esdb_server: EmbeddedServer
) -> None:
    """As soon as nothing refers to the consumer."""
    await filled(esdb, 1)
    async for event in (events := groups.consume("s", "g")):
        await events.ack(event)
        break
    assert esdb_server.open_calls[READ] == 1
    del events
    gc.collect()
    await until(lambda: not esdb_server.open_calls[READ])


async def test_an_exception_in_the_loop_leaves_the_group(
    esdb: Connection, groups: PersistentSubscriptions, esdb_server: EmbeddedServer
) -> None:
    """What was answered before it counts."""
    await filled(esdb, 2)

    async def fail_at_the_second() -> None:
        async with groups.consume("s", "g") as events:
            async for event in events:
                if event.revision == 1:
                    raise LookupError
                await events.ack(event)

    with pytest.raises(LookupError):
        await fail_at_the_second()
    await until(lambda: not esdb_server.open_calls[READ])
    assert (await shown(esdb, lambda info: not info.connections)).last_checkpointed == 0


async def test_it_can_be_cancelled_anywhere(
    esdb: Connection, groups: PersistentSubscriptions, esdb_server: EmbeddedServer
) -> None:
    """Nothing is left of it, neither here nor on the server."""
    await filled(esdb, 1)

    async def work() -> None:
        async with groups.consume("s", "g") as events:
            async for event in events:
                await events.nack(event)

    for steps in (*range(30), *range(30, 300, 15)):
        task = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await until(lambda: not esdb_server.open_calls[READ])
    assert esdb.pool.stats()["calls_in_flight"] == 0
    await until(lambda: "esdb-answers" not in our_tasks())
