"""Random lives of a group, told by the embedded server as by the model of a real one."""

from __future__ import annotations

import asyncio
import gc
import json
import random
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.groups.consumer import Subscriber
from fastapi_esdb.embedded.services.groups.running import RunningGroup
from fastapi_esdb.embedded.store.database import Database, utc_now
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.groups.values import ConsumerStrategy, CreateGroup, GroupSettings, NackAction
from fastapi_esdb.wire.positions import END, START
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.groups.model import ModelGroup, Streams
from tests.embedded.groups.support import Clock

CALLS = 14


async def settled() -> None:
    """Let everything happen that is under way: all of it is in memory."""
    for _ in range(30):
        await asyncio.sleep(0)


class Life:
    """A stream with a group, on the embedded server and in the model; each call is made to both."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database, self.dice, self.clock = database, random.Random(seed), Clock()
        self.streams = Streams()
        self.told: list[str] = []

    async def begin(self) -> None:
        await self.append()
        await self.start()

    async def start(self) -> None:
        settings, start = self.settings(), self.dice.choice([0, 0, 1, 2, 5, None])
        definition = CreateGroup("s", "g", settings, END if start is None else start)
        self.told.append(f"start at {start} with {settings}")
        self.running = RunningGroup(definition, self.database, utc_now, self.clock)
        self.running.start()
        await settled()
        self.model = ModelGroup(self.streams, settings, start)

    def settings(self) -> GroupSettings:
        return GroupSettings(
            max_retry_count=self.dice.choice([0, 1, 2]),
            checkpoint_after_ms=100,
            min_checkpoint_count=self.dice.choice([1, 2]),
            max_checkpoint_count=self.dice.choice([2, 5]),
            live_buffer_size=self.dice.choice([1, 3, 5]),
            history_buffer_size=self.dice.choice([5, 8]),
            read_batch_size=self.dice.choice([2, 4]),
            strategy=self.dice.choice(list(ConsumerStrategy)),
        )

    async def append(self) -> None:
        count = self.dice.randint(1, 5)
        self.told.append(f"append {count}")
        await self.database.append("s", ANY, [ProposedEvent(uuid4(), "T", b"{}") for _ in range(count)])
        await settled()
        if self.streams.is_deleted:
            self.streams.first, self.streams.is_deleted = self.streams.last + 1, False
        appended = range(self.streams.last + 1, self.streams.last + 1 + count)
        self.streams.last += count
        if hasattr(self, "model"):
            for revision in appended:
                self.model.take_live(revision)
            self.model.read()

    async def delete_stream(self) -> None:
        if not self.streams.is_deleted:
            self.told.append("delete the stream")
            await self.database.delete("s")
            await settled()
            self.streams.is_deleted = True

    async def truncate(self) -> None:
        before = self.dice.randint(0, self.streams.last + 1)
        self.told.append(f"truncate before {before}")
        await self.database.append(
            "$$s", ANY, [ProposedEvent(uuid4(), "$metadata", json.dumps({"$tb": before}).encode())]
        )
        await settled()
        is_revived = self.streams.is_deleted  # what was in the stream stays hidden then
        self.streams.first, self.streams.is_deleted = self.streams.last + 1 if is_revived else before, False
        self.model.read()

    async def update(self) -> None:
        await self.running.stop()
        await self.start()

    async def delete_create(self) -> None:
        self.told.append("delete the group")
        await self.running.stop()
        await self.running.delete()
        self.streams.checkpoint, self.streams.is_parked_deleted = None, bool(self.streams.parked)
        await self.start()

    async def replay(self) -> None:
        stop_at = self.dice.choice([None, 0, 1, 2, 3])
        self.told.append(f"replay to {stop_at}")
        self.running.replay(stop_at)
        await settled()
        self.model.replay(stop_at)

    async def tick(self) -> None:
        self.told.append("a second passes")
        self.clock.now += 1
        self.running.tick()
        await settled()
        self.model.tick(self.clock.now)

    async def consume(self) -> None:
        room = self.dice.choice([1, 3, 10])
        self.told.append(f"consume with {room}")
        consumer = self.running.join(Subscriber(room, lambda: None))
        self.model.room = room
        self.model.push()
        for _ in range(self.dice.randint(1, 8)):
            await settled()
            mine = [(one.record.original.revision, one.retry_count) for one in consumer.outbox]
            theirs = [(one.shown, one.retry_count) for one in self.model.in_flight]
            assert mine == theirs
            if not consumer.outbox:
                break
            action = self.dice.choice([None, None, NackAction.RETRY, NackAction.PARK, NackAction.SKIP])
            self.told.append(f"answer {theirs[0]} with {action}")
            message, sent = consumer.outbox.popleft(), self.model.in_flight[0]
            if action is None:
                self.running.acknowledge([message.id])
            else:
                self.running.refuse([message.id], action, "")
            self.model.answer(sent, action, self.clock.now)
        await settled()
        self.running.leave(consumer)
        self.model.leave()

    async def compare(self) -> None:
        await settled()
        info, model = self.running.information(), self.model
        assert (info.parked, info.last_known, info.last_checkpointed) == (
            model.parked,
            model.last_known,
            model.checkpoint,
        )
        assert (info.retry_buffer_count, info.read_buffer_count) == (len(model.retries), len(model.buffer))
        assert [one.position for one in self.running._rules.buffer.events] == [one.revision for one in model.buffer]


@pytest.mark.parametrize("seeds", [range(30), pytest.param(range(30, 400), marks=pytest.mark.slow)])
async def test_lives(seeds: range) -> None:
    """What a consumer gets, in which order and how often, what is parked, known and handled: after each call."""
    for seed in seeds:
        async with Database() as database:
            life = Life(database, seed)
            await life.begin()
            calls = [
                *(life.append, life.consume, life.consume, life.tick) * 2,
                *(life.delete_stream, life.truncate, life.update, life.delete_create, life.replay, life.replay),
            ]
            try:
                for _ in range(CALLS):
                    await life.dice.choice(calls)()
                    await life.compare()
            except AssertionError as error:
                raise AssertionError("\n".join([f"life {seed}", *life.told])) from error
            finally:
                await life.running.stop()


async def test_stopped_at_once() -> None:
    """A group that is stopped before its tasks have begun leaves nothing behind."""
    async with Database() as database:
        running = RunningGroup(CreateGroup("s", "g", GroupSettings(), START), database, utc_now, Clock())
        running.start()
        await running.stop()
    gc.collect()  # what was never awaited is a warning, and here an error
