"""A projection from its creation to its end, in a database of its own."""

from __future__ import annotations

import asyncio
import json

import pytest

from fastapi_esdb.embedded.projections import run as run_module
from fastapi_esdb.embedded.projections.projection import ALLOWED, Projection, ProjectionState
from fastapi_esdb.embedded.projections.subsystem import Projections
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.errors import ProjectionFailed, ProjectionNotFound
from fastapi_esdb.wire.projections.values import (
    CreateProjection,
    DeleteProjection,
    ProjectionMode,
    ProjectionStatistics,
    StatisticsRequest,
    UpdateProjection,
)
from tests.embedded.projections.support import continuous, proposed, read, result_of, state_of, told, write
from tests.support.waiting import until

COUNT = "fromStream('a').when({$init: () => ({n: 0}), T(s, e) { s.n++ }})"
LINKS = "fromStream('a').when({T(s, e) { linkTo('links', e) }})"


async def counted(projections: Projections, count: int, name: str = "p", partition: str = "") -> None:
    """Wait until the state says that so many events were handled."""
    await until(lambda: (state_of(projections, name, partition) or {}).get("n") == count)


async def handled(projections: Projections, count: int) -> None:
    """Wait until so many events were handled since the start, and are done with."""
    await until(lambda: statistics(projections).events_processed_after_restart == count)


def statistics(projections: Projections, name: str = "p") -> ProjectionStatistics:
    [told] = projections.statistics(StatisticsRequest(name))
    return told


async def in_state(projections: Projections, state: ProjectionState, name: str = "p") -> Projection:
    await until(lambda: projections.find(name).state is state)
    return projections.find(name)


async def test_history_and_what_follows(database: Database, projections: Projections) -> None:
    """A projection handles what is there, and then what comes."""
    await write(database, "a", *(proposed() for _ in range(200)))
    await projections.create(continuous(COUNT))
    await counted(projections, 200)
    for n in range(5):
        await write(database, "a")
        await counted(projections, 201 + n)


async def test_going_on(database: Database, projections: Projections) -> None:
    """Stopped with a checkpoint and enabled again, a projection goes on where it was."""
    await write(database, "a", proposed(), proposed())
    await projections.create(continuous(COUNT))
    await counted(projections, 2)
    await projections.disable("p", write_checkpoint=True)
    assert projections.find("p").state is ProjectionState.STOPPED
    await write(database, "a")
    assert state_of(projections, "p") == {"n": 2}
    await projections.enable("p")
    await counted(projections, 3)
    await handled(projections, 1)


async def test_an_abort(database: Database, projections: Projections) -> None:
    """Aborted, a projection goes on from its last checkpoint."""
    await write(database, "a", proposed())
    await projections.create(continuous(COUNT))
    await counted(projections, 1)
    await projections.disable("p", write_checkpoint=True)
    await projections.enable("p")
    await write(database, "a")
    await counted(projections, 2)
    await projections.disable("p", write_checkpoint=False)
    assert projections.find("p").state is ProjectionState.ABORTED
    await projections.enable("p")
    await counted(projections, 2)
    assert [event.json()[0] for event in read(database, "$projections-p-checkpoint")] == [{"n": 1}]


async def test_links_once(database: Database, projections: Projections) -> None:
    """After an abort nothing is written twice."""
    await write(database, "a", *(proposed() for _ in range(10)))
    await projections.create(continuous(LINKS, emits=True))
    await until(lambda: len(read(database, "links")) == 10)
    await projections.disable("p", write_checkpoint=False)
    await write(database, "a")
    await projections.enable("p")
    await until(lambda: len(read(database, "links")) == 11)
    assert [event.data for event in read(database, "links")] == [f"{n}@a".encode() for n in range(11)]


async def test_a_reset(database: Database, projections: Projections) -> None:
    """A reset begins anew, with everything that was written hidden; a stopped projection stays stopped."""
    await write(database, "a", proposed(), proposed())
    await projections.create(continuous(COUNT + ".outputState()"))
    await counted(projections, 2)
    await projections.reset("p")
    await counted(projections, 2)
    await handled(projections, 2)
    await until(lambda: told(read(database, "$projections-p-result")) == [("Result", '{"n":1}'), ("Result", '{"n":2}')])
    await projections.disable("p", write_checkpoint=True)
    await projections.reset("p")
    assert projections.find("p").state is ProjectionState.STOPPED
    assert state_of(projections, "p") is None


async def test_checkpoints_on_the_way(
    database: Database, projections: Projections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running projection writes a checkpoint from time to time, of changed partitions too."""
    monkeypatch.setattr(run_module, "CHECKPOINT_AFTER", 3)
    await projections.create(continuous("fromAll().foreachStream().when({$init: () => ({n: 0}), T(s) { s.n++ }})"))
    for n in range(4):
        await write(database, "ab"[n % 2])
        await counted(projections, n // 2 + 1, partition="ab"[n % 2])
    await until(lambda: bool(read(database, "$projections-p-checkpoint")))
    assert read(database, "$projections-p-a-checkpoint")[-1].data == b'[{"n":2},{"n":2}]'
    await projections.disable("p", write_checkpoint=False)
    await projections.enable("p")
    await counted(projections, 2, partition="b")
    await write(database, "b")
    await counted(projections, 3, partition="b")


async def test_a_checkpoint_that_was_not_finished(database: Database, projections: Projections) -> None:
    """The state of a partition that is ahead of the checkpoint is not used."""
    source = "fromAll().foreachStream().when({$init: () => ({n: 0}), T(s) { s.n++ }})"
    await projections.create(continuous(source))
    await write(database, "a")
    await counted(projections, 1, partition="a")
    await projections.disable("p", write_checkpoint=True)
    [checkpoint] = read(database, "$projections-p-a-checkpoint")
    ahead = json.dumps({**checkpoint.json_metadata(), "$c": 10**9, "$p": 10**9})
    await write(
        database, "$projections-p-a-checkpoint", proposed("$Checkpoint", [{"n": 50}, None], metadata=json.loads(ahead))
    )
    await write(database, "a")
    await projections.enable("p")
    await counted(projections, 2, partition="a")


async def test_an_update(database: Database, projections: Projections) -> None:
    """A new query takes over the state and the position of the old one."""
    await write(database, "a", proposed())
    await projections.create(continuous(COUNT))
    await counted(projections, 1)
    await projections.update(UpdateProjection("p", COUNT.replace("s.n++", "s.n += 10")))
    await write(database, "a")
    await counted(projections, 11)


async def test_an_update_of_what_it_may(database: Database, projections: Projections) -> None:
    """An update can allow a faulted projection to write, or leave that as it is."""
    await write(database, "a")
    await projections.create(continuous(LINKS))
    await in_state(projections, ProjectionState.FAULTED)
    assert "'emit' is not allowed" in projections.find("p").reason
    await projections.update(UpdateProjection("p", LINKS))
    await in_state(projections, ProjectionState.FAULTED)
    await projections.update(UpdateProjection("p", LINKS, emit_enabled=True))
    await until(lambda: len(read(database, "links")) == 1)


async def test_a_query(database: Database, projections: Projections) -> None:
    """A one-time projection gets a name, comes to its end and leaves its result; an update begins it anew."""
    await write(database, "a", proposed(), proposed())
    await projections.create(CreateProjection(COUNT, mode=ProjectionMode.ONE_TIME))
    [name] = [one.name for one in projections.statistics(StatisticsRequest(mode=ProjectionMode.ONE_TIME))]
    await in_state(projections, ProjectionState.COMPLETED, name)
    results = f"$projections-{name}-result"
    await until(lambda: told(read(database, results)) == [("Result", '{"n":2}'), ("$Eof", "")])
    await write(database, "a")
    await projections.update(UpdateProjection(name, COUNT))
    await in_state(projections, ProjectionState.COMPLETED, name)
    assert result_of(projections, name) == {"n": 3}
    await projections.disable(name, write_checkpoint=True)
    await projections.delete(DeleteProjection(name, delete_state_stream=True))
    assert told(read(database, results))[0] == ("Result", '{"n":3}')


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("fromStream('a').when({", "SyntaxError"),
        ("fromStream('a').when({T() { throw new Error('boom') }})", "event 0@a: Error: boom"),
        ("fromStream('a').when({T() { while (true); }})", "event 0@a: the script took too long"),
        ("fromStream('a').when({T(s) { s.n = 1n }})", "event 0@a: TypeError"),
    ],
)
async def test_faults(database: Database, projections: Projections, source: str, reason: str) -> None:
    """A projection that can't go on is faulted, with the reason, and can be deleted."""
    await write(database, "a")
    await projections.create(continuous(source))
    projection = await in_state(projections, ProjectionState.FAULTED)
    assert projection.reason.startswith(reason)
    await projections.delete(DeleteProjection("p"))
    with pytest.raises(ProjectionNotFound):
        projections.find("p")


async def test_what_was_handled_before_a_fault(database: Database, projections: Projections) -> None:
    """What an event led to before a later one failed is kept."""
    await write(database, "a", proposed(), proposed("Bad"))
    source = "fromStream('a').when({T(s, e) { linkTo('links', e) }, Bad() { throw 1 }})"
    await projections.create(continuous(source, emits=True))
    await in_state(projections, ProjectionState.FAULTED)
    assert len(read(database, "links")) == 1


async def test_a_mended_projection(database: Database, projections: Projections) -> None:
    """A faulted projection goes on when its query is mended."""
    await write(database, "a")
    await projections.create(continuous("fromStream('a').when({T() { throw 1 }})"))
    await in_state(projections, ProjectionState.FAULTED)
    await projections.update(UpdateProjection("p", COUNT))
    await counted(projections, 1)
    assert projections.find("p").state is ProjectionState.RUNNING


@pytest.mark.parametrize("write_checkpoint", [True, False])
async def test_a_faulted_projection_can_be_disabled(
    database: Database, projections: Projections, write_checkpoint: bool
) -> None:
    """To disable or abort a faulted projection is no failure."""
    await projections.create(continuous("fromStream("))
    await projections.disable("p", write_checkpoint=write_checkpoint)
    expected = ProjectionState.STOPPED if write_checkpoint else ProjectionState.FAULTED
    assert projections.find("p").state is expected
    assert not projections.find("p").settings.enabled


async def test_a_damaged_checkpoint(database: Database, projections: Projections) -> None:
    """A checkpoint that somebody overwrote is a fault, that a reset mends."""
    await projections.create(continuous(COUNT))
    await write(database, "a")
    await counted(projections, 1)
    await projections.disable("p", write_checkpoint=True)
    [checkpoint] = read(database, "$projections-p-checkpoint")
    await write(database, "$projections-p-checkpoint", proposed("T", 5, metadata=checkpoint.json_metadata()))
    await projections.enable("p")
    assert "there is no checkpoint in 1@$projections-p-checkpoint" in projections.find("p").reason
    await projections.reset("p")
    await counted(projections, 1)


async def test_an_endless_handler_does_not_stop_the_others(database: Database, projections: Projections) -> None:
    """While a handler does not end, the event loop goes on with everything else."""
    await write(database, "a")
    await projections.create(continuous("fromStream('a').when({T() { while (true); }})"))
    turns = 0
    while projections.find("p").is_running:
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 20


async def test_a_projection_that_feeds_itself(database: Database, projections: Projections) -> None:
    """A projection that writes to its own source lets others have their turn, and can be stopped."""
    await projections.create(
        continuous("fromAll().when({T(s, e) { emit('loop', 'T', {}); emit('loop', 'T', {}) }})", emits=True)
    )
    await write(database, "a")
    await until(lambda: len(read(database, "loop")) > 500)
    for _ in range(20):
        await write(database, "other")
        await asyncio.sleep(0)
    await projections.disable("p", write_checkpoint=True)
    last = database.stream_info("loop").last
    await asyncio.sleep(0)
    assert database.stream_info("loop").last == last


async def test_a_stop_in_the_middle(database: Database, projections: Projections) -> None:
    """A stop waits for the event at hand alone, and the checkpoint is behind that one."""
    slow = "const end = Date.now() + 50; while (Date.now() < end);"
    await write(database, "a", *(proposed() for _ in range(60)))
    await projections.create(continuous(COUNT.replace("s.n++", f"s.n++; {slow}")))
    await until(lambda: bool(state_of(projections, "p")))
    await projections.disable("p", write_checkpoint=True)
    assert state_of(projections, "p")["n"] < 60
    await projections.update(UpdateProjection("p", COUNT))
    await projections.enable("p")
    await counted(projections, 60)


async def test_deletion_takes_what_it_is_told(database: Database, projections: Projections) -> None:
    """A deleted projection leaves its streams behind, but for those that the request names; the results stay."""
    await write(database, "a")
    source = "fromAll().foreachStream().when({T(s, e) { linkTo('links', e) }}).outputState()"
    names = (
        "links",
        "$projections-p-result",
        "$projections-p-a-result",
        "$projections-p-checkpoint",
        "$projections-p-a-checkpoint",
    )
    for kept in (True, False):
        await projections.create(continuous(source, emits=True, tracks=True))
        await until(lambda: state_of(projections, "p", "a") is not None)
        await projections.disable("p", write_checkpoint=True)
        await projections.delete(DeleteProjection("p", *(not kept,) * 3))
        assert [bool(read(database, name)) for name in names] == [kept, True, True, kept, kept]
        if kept:
            await database.delete("links")


@pytest.mark.parametrize("name", ["p", "$by_category"])
async def test_what_can_not_be_deleted(database: Database, projections: Projections, name: str) -> None:
    """A projection that runs can't be deleted, nor one of the system's."""
    await projections.create(continuous(COUNT))
    with pytest.raises(ProjectionFailed, match="OperationFailed"):
        await projections.delete(DeleteProjection(name))


def test_states() -> None:
    """Every state is in the table, and each can be left."""
    assert set(ALLOWED) == set(ProjectionState)
    assert all(ALLOWED.values())
