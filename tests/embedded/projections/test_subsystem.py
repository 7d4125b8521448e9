"""All projections together: which there are, what is known of them, and what a restart leaves."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fastapi_esdb.embedded.projections.subsystem import QUERY_EXPIRY, Projections
from fastapi_esdb.embedded.projections.system import SYSTEM_QUERIES
from fastapi_esdb.embedded.store import Database, SqliteStorage
from fastapi_esdb.wire.errors import InvalidArgument, ProjectionFailed, ProjectionNotFound
from fastapi_esdb.wire.projections.values import (
    CreateProjection,
    DeleteProjection,
    ProjectionMode,
    ProjectionStatistics,
    StatisticsRequest,
    UpdateProjection,
)
from tests.embedded.projections.support import continuous, proposed, read, state_of, write
from tests.embedded.store.support import Clock
from tests.support.waiting import until

COUNT = "fromStream('a').when({$init: () => ({n: 0}), T(s, e) { s.n++ }})"
BY_STREAM = "fromAll().foreachStream().when({$init: () => ({n: 0}), T(s, e) { s.n++ }}).outputState()"


def names(projections: Projections, mode: ProjectionMode | None = None) -> list[str]:
    return [one.name for one in projections.statistics(StatisticsRequest(mode=mode))]


def statistics(projections: Projections, name: str = "p") -> ProjectionStatistics:
    [one] = projections.statistics(StatisticsRequest(name))
    return one


async def test_a_new_database(database: Database, projections: Projections) -> None:
    """The system projections are there, stopped, and nothing is written for them until somebody starts one."""
    assert names(projections) == list(SYSTEM_QUERIES)
    assert {one.status for one in projections.statistics(StatisticsRequest())} == {"Stopped"}
    assert database.last_position is None
    await projections.enable("$by_category")
    assert [event.data for event in read(database, "$projections-$all")] == [b"$by_category"]


async def test_lists(projections: Projections) -> None:
    """Projections are listed by their mode, or all of them."""
    await projections.create(continuous(COUNT))
    await projections.create(CreateProjection(COUNT, "t", ProjectionMode.TRANSIENT))
    await projections.create(CreateProjection(COUNT, mode=ProjectionMode.ONE_TIME))
    assert names(projections, ProjectionMode.CONTINUOUS) == [*SYSTEM_QUERIES, "p"]
    assert names(projections, ProjectionMode.TRANSIENT) == ["t"]
    assert len(names(projections, ProjectionMode.ONE_TIME)) == 1
    assert len(names(projections)) == len(SYSTEM_QUERIES) + 3


async def test_statistics(database: Database, projections: Projections) -> None:
    """What is told of a projection: where it is, what it remembers, and how it is doing."""
    await write(database, "a", proposed(), proposed())
    await projections.create(continuous(BY_STREAM, emits=True))
    await until(lambda: statistics(projections).events_processed_after_restart == 2)
    running = statistics(projections)
    assert (running.status, running.mode, running.effective_name) == ("Running", "Continuous", "p")
    assert (running.partitions_cached, running.epoch, running.version) == (2, -1, 0)
    assert running.last_checkpoint == "C:0/P:-1; T: -1; "
    await until(lambda: statistics(projections).progress == 100.0)
    await projections.disable("p", write_checkpoint=True)
    stopped = statistics(projections)
    assert (stopped.status, stopped.version) == ("Stopped", 1)
    assert stopped.last_checkpoint == stopped.position != running.last_checkpoint


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "fromStream('a').when({T() { throw 1 }})",
            {"status": "Faulted (Enabled)", "last_checkpoint": "a: -1", "progress": 100.0, "partitions_cached": 1},
        ),
        ("fromStream(", {"status": "Faulted", "last_checkpoint": "", "progress": 0.0, "partitions_cached": 0}),
    ],
)
async def test_statistics_of_the_faulted(
    database: Database, projections: Projections, source: str, expected: dict[str, object]
) -> None:
    """A fault shows with its reason; of a source that does not parse nothing else is known."""
    await write(database, "a")
    await projections.create(continuous(source))
    await until(lambda: statistics(projections).status.startswith("Faulted"))
    told = statistics(projections)
    assert {key: getattr(told, key) for key in expected} == expected
    assert told.state_reason


async def test_statistics_of_the_aborted(projections: Projections) -> None:
    """An abort shows."""
    await projections.create(continuous(COUNT))
    await projections.disable("p", write_checkpoint=False)
    assert statistics(projections).status == "Aborted/Stopped"


async def test_the_position_of_one_that_never_ran(clock: Clock) -> None:
    """Where there was nothing to read, a projection is at the end; otherwise it has not begun."""
    async with Database(clock=clock) as database:
        async with Projections(database, clock) as projections:
            fresh = statistics(projections, "$streams")
        await write(database, "a")
        async with Projections(database, clock) as projections:
            later = statistics(projections, "$streams")
    assert (fresh.last_checkpoint, fresh.progress) == ("C:0/P:0", 100.0)
    assert (later.last_checkpoint, later.progress) == ("C:0/P:-1", -1.0)


async def test_names_that_are_taken(projections: Projections) -> None:
    """A name can be given once, and must not be empty."""
    await projections.create(continuous(COUNT))
    for name, word in (("p", "Conflict"), ("$streams", "Conflict"), ("", "OperationFailed")):
        with pytest.raises(ProjectionFailed, match=word):
            await projections.create(continuous(COUNT, name))


async def test_a_name_that_is_free_again(database: Database, projections: Projections) -> None:
    """A new projection of the name of a deleted one begins anew, whatever that one left."""
    await write(database, "a", proposed(), proposed())
    for _ in range(2):
        await projections.create(continuous(COUNT))
        await until(lambda: state_of(projections, "p") == {"n": 2})
        await projections.disable("p", write_checkpoint=True)
        await projections.delete(DeleteProjection("p"))


async def test_what_a_restart_leaves(clock: Clock, tmp_path: Path) -> None:
    """Projections, their states and their partitions are there again after a restart; those that ran, run."""
    file = tmp_path / "events.db"
    async with Database(SqliteStorage(file), clock=clock) as database, Projections(database, clock) as projections:
        await write(database, "a", proposed(), proposed())
        await write(database, "b")
        await projections.create(continuous(BY_STREAM))
        await projections.create(continuous(COUNT, "stopped"))
        await projections.create(CreateProjection(COUNT, "t", ProjectionMode.TRANSIENT))
        await projections.enable("$by_category")
        await until(lambda: state_of(projections, "p", "b") == {"n": 1})
        await until(lambda: state_of(projections, "stopped") == {"n": 2})
        await projections.disable("stopped", write_checkpoint=True)
    async with Database(SqliteStorage(file), clock=clock) as database:
        await write(database, "a")
        async with Projections(database, clock) as later:
            assert names(later) == [*SYSTEM_QUERIES, "p", "stopped"]
            assert state_of(later, "stopped") == {"n": 2}
            await until(lambda: state_of(later, "p", "a") == {"n": 3})
            assert state_of(later, "p", "b") == {"n": 1}
            running = {one.name for one in later.statistics(StatisticsRequest()) if one.status == "Running"}
            assert running == {"p", "$by_category"}


async def test_a_restart_of_the_subsystem(database: Database, projections: Projections) -> None:
    """A restart stops everything and starts what is enabled; what was transient is gone."""
    await write(database, "a")
    await projections.create(continuous(COUNT))
    await projections.create(CreateProjection(COUNT, "t", ProjectionMode.TRANSIENT))
    await until(lambda: state_of(projections, "p") == {"n": 1})
    await projections.restart()
    assert "t" not in names(projections)
    await write(database, "a")
    await until(lambda: state_of(projections, "p") == {"n": 2})


async def test_damaged_definitions(clock: Clock, database: Database) -> None:
    """What somebody else wrote into the streams of the definitions does no harm."""
    async with Projections(database, clock) as projections:
        await projections.create(continuous(COUNT))
    await write(database, "$projections-p", proposed("$ProjectionUpdated", "no definition"))
    [*_, definition] = read(database, "$projections-$all")
    await write(database, "$projections-$all", replace(proposed("$ProjectionCreated"), data=b"\xff"))
    async with Projections(database, clock) as projections:
        assert names(projections) == list(SYSTEM_QUERIES)
    assert definition.data == b"p"


async def test_transient_projections_expire(projections: Projections, clock: Clock) -> None:
    """A transient projection is gone when nobody has asked for it for a while."""
    await projections.create(CreateProjection(COUNT, "t", ProjectionMode.TRANSIENT))
    await until(lambda: statistics(projections, "t").status == "Completed/Stopped/Writing results")
    clock.move(QUERY_EXPIRY.total_seconds() - 1)
    projections.find("t")
    clock.move(QUERY_EXPIRY.total_seconds())
    assert "t" in names(projections)
    clock.move(1)
    with pytest.raises(ProjectionNotFound, match="Projection 't' not found"):
        projections.find("t")


async def test_a_transient_projection_is_deleted_as_it_is(projections: Projections) -> None:
    """A transient projection need not be stopped to be deleted."""
    await projections.create(CreateProjection(COUNT, "t", ProjectionMode.TRANSIENT))
    await projections.delete(DeleteProjection("t"))
    assert "t" not in names(projections)


async def test_commands_for_what_is_not_there(projections: Projections) -> None:
    """Every command for a projection that isn't there says so."""
    for command in (
        projections.enable("none"),
        projections.disable("none", write_checkpoint=True),
        projections.reset("none"),
        projections.update(UpdateProjection("none", COUNT)),
        projections.delete(DeleteProjection("none")),
    ):
        with pytest.raises(ProjectionNotFound, match="Projection 'none' not found"):
            await command


async def test_commands_are_carried_out_to_the_end(database: Database, projections: Projections) -> None:
    """A command whose giver is gone happens nevertheless, and commands wait for each other."""
    given = asyncio.create_task(projections.create(continuous(COUNT)))
    await asyncio.sleep(0)
    given.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given
    await asyncio.gather(*(projections.disable("p", write_checkpoint=True), projections.enable("p")))
    assert statistics(projections).status == "Running"
    lost = asyncio.create_task(projections.enable("none"))
    await asyncio.sleep(0)
    lost.cancel()
    await projections.reset("p")


async def test_without_an_engine(
    database: Database, projections: Projections, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a JavaScript engine nobody can add a projection, those that are there say why they don't run, and the
    system's work.
    """
    await projections.create(continuous(COUNT))
    monkeypatch.setitem(sys.modules, "quickjs", None)
    for command in (projections.create(continuous(COUNT, "q")), projections.update(UpdateProjection("p", COUNT))):
        with pytest.raises(InvalidArgument, match="pip install"):
            await command
    await projections.restart()
    assert "pip install" in statistics(projections).state_reason
    await projections.enable("$by_category")
    await write(database, "c-1")
    await until(lambda: len(read(database, "$ce-c")) == 1)


async def test_system_projections_are_set(database: Database, projections: Projections) -> None:
    """The query of a system projection can be changed, and one that it can't have is a fault."""
    await projections.update(UpdateProjection("$by_category", "first\n_"))
    await projections.enable("$by_category")
    await write(database, "c_1")
    await until(lambda: len(read(database, "$ce-c")) == 1)
    await projections.update(UpdateProjection("$by_category", "nonsense"))
    assert "tells no categories" in statistics(projections, "$by_category").state_reason


async def test_categories_of_categories(database: Database, projections: Projections) -> None:
    """A projection of a category reads what $by_category writes, as it is written."""
    await projections.enable("$by_category")
    await projections.create(continuous("fromCategory('c').when({$init: () => [], T(s, e) { s.push(e.streamId) }})"))
    for n in range(3):
        await write(database, f"c-{n}")
    await until(lambda: state_of(projections, "p") == ["c-0", "c-1", "c-2"])
    assert json.loads(read(database, "$ce-c")[0].metadata)["$o"] == "c-0"


async def test_all_system_projections(database: Database, projections: Projections) -> None:
    """All of them together sort what is written, and do not sort each other's links."""
    for name in SYSTEM_QUERIES:
        await projections.enable(name)
    await write(database, "c-1", proposed(metadata={"$correlationId": "k"}))
    streams = ("$ce-c", "$et-T", "$category-c", "$streams", "$bc-k")
    await until(lambda: all(read(database, stream) for stream in streams))
    assert [len(read(database, stream)) for stream in streams] == [1] * 5
