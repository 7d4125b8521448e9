"""All groups of a server, without a connection: what is durable when, and who waits for whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.groups.consumer import Consumer, Subscriber
from fastapi_esdb.embedded.services.groups.directory import Groups
from fastapi_esdb.embedded.services.groups.running import RunningGroup
from fastapi_esdb.embedded.store import Database, SqliteStorage
from fastapi_esdb.embedded.store.database import utc_now
from fastapi_esdb.wire.errors import GroupExists, ServerNotReady
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.groups.values import CreateGroup, GroupSettings, NackAction, UpdateGroup
from fastapi_esdb.wire.revisions import ANY
from tests.support.waiting import PATIENCE, until

EAGER = GroupSettings(min_checkpoint_count=1, max_checkpoint_count=1)
GROUP = CreateGroup("a", "g", EAGER)


class GatedStorage(SqliteStorage):
    """A store whose flushes wait while the gate is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate = threading.Event()
        self.gate.set()
        self.is_waiting = False

    def flush(self) -> None:
        self.is_waiting = not self.gate.is_set()
        assert self.gate.wait(PATIENCE)
        super().flush()


@pytest.fixture
def storage(tmp_path: Path) -> GatedStorage:
    return GatedStorage(tmp_path / "events.db")


@pytest.fixture
async def database(storage: GatedStorage) -> AsyncIterator[Database]:
    async with Database(storage) as opened:
        yield opened


@pytest.fixture
async def groups(database: Database) -> AsyncIterator[Groups]:
    async with Groups(database, utc_now) as entered:
        yield entered


async def with_consumer(groups: Groups, database: Database) -> tuple[RunningGroup, Consumer]:
    """A group whose consumer has one event in hand."""
    await database.append("a", ANY, [ProposedEvent(uuid4(), "T")])
    await groups.create(GROUP, "me")
    running = groups.find("a", "g")
    return running, running.join(Subscriber(10, lambda: None))


async def test_a_checkpoint_on_its_way_is_waited_for(groups: Groups, database: Database, storage: GatedStorage) -> None:
    """A group that is started anew finds what the one before was about to write, and says only then that it has it."""
    running, consumer = await with_consumer(groups, database)
    storage.gate.clear()
    running.acknowledge(list(consumer.in_flight))
    await until(lambda: storage.is_waiting)
    assert running.information().last_checkpointed is None
    restart = asyncio.create_task(groups.restart())
    await until(lambda: consumer.is_dropped)
    storage.gate.set()
    await restart
    assert groups.find("a", "g").information().last_checkpointed == 0


async def test_what_was_not_begun_to_be_written_is_written_at_the_stop(groups: Groups, database: Database) -> None:
    """Neither a parked event nor a checkpoint is lost with an orderly stop."""
    running, consumer = await with_consumer(groups, database)
    running.refuse(list(consumer.in_flight), NackAction.PARK, "")
    await groups.restart()
    info = groups.find("a", "g").information()
    assert (info.parked, info.last_checkpointed) == (1, 0)


async def test_a_change_is_finished_without_its_caller(
    groups: Groups, database: Database, storage: GatedStorage
) -> None:
    """A client that goes away does not leave half a group behind."""
    await groups.create(GROUP, "me")
    storage.gate.clear()
    update = asyncio.create_task(groups.update(UpdateGroup("a", "g", GroupSettings(max_retry_count=77)), "me"))
    await until(lambda: storage.is_waiting)
    update.cancel()
    storage.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await update
    running = groups.find("a", "g")
    assert running.definition.settings.max_retry_count == 77
    assert not running.join(Subscriber(1, lambda: None)).is_dropped


async def test_consumers_of_a_group_that_is_changing_are_dropped(
    groups: Groups, database: Database, storage: GatedStorage
) -> None:
    """Nobody waits for events of a group that is on its way out."""
    await groups.create(GROUP, "me")
    storage.gate.clear()
    update = asyncio.create_task(groups.update(UpdateGroup("a", "g"), "me"))
    await until(lambda: storage.is_waiting)
    assert groups.find("a", "g").join(Subscriber(1, lambda: None)).is_dropped
    storage.gate.set()
    await update


async def test_one_of_two_creations_wins(groups: Groups) -> None:
    """Changes come one after the other."""
    outcomes = await asyncio.gather(*(groups.create(GROUP, "me") for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), GroupExists]


async def test_nothing_goes_on_after_the_end(database: Database) -> None:
    """All tasks of all groups are gone."""
    before = asyncio.all_tasks()
    async with Groups(database, utc_now) as groups:
        for name in "abc":
            await groups.create(CreateGroup(None, name), "me")
        groups.find(None, "a").replay(None)
    assert asyncio.all_tasks() == before


async def test_a_server_may_lead_again(database: Database) -> None:
    """What others changed meanwhile is what counts then; in between nothing can be asked."""
    groups, others = Groups(database, utc_now), Groups(database, utc_now)
    async with groups:
        await groups.create(GROUP, "me")
        consumer = groups.find("a", "g").join(Subscriber(1, lambda: None))
    assert consumer.is_dropped
    async with others:
        await others.delete("a", "g", "me")
        await others.create(CreateGroup("b", "h"), "me")
    async with groups:
        assert [running.id for running in groups.of_all_sources()] == ["b::h"]


async def test_a_server_that_does_not_lead_is_not_ready(database: Database) -> None:
    """It does not say that there is no such group."""
    groups = Groups(database, utc_now)
    for call in (groups.create(GROUP, "me"), groups.delete("a", "g", "me"), groups.restart()):
        with pytest.raises(ServerNotReady):
            await call
    for ask in (lambda: groups.find("a", "g"), lambda: groups.of_source("a"), groups.of_all_sources):
        with pytest.raises(ServerNotReady):
            ask()
