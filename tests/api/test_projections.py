"""Projections: JavaScript that the server runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.projections import Projections
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import OutcomeUnknown, ReadOnlyConnection
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import (
    AccessDenied,
    DeadlineExceeded,
    InvalidArgument,
    ProjectionFailed,
    ProjectionNotFound,
    StreamNotFound,
)
from fastapi_esdb.wire.projections.values import ProjectionMode, ProjectionStatistics
from tests.support.lost_answers import lose_answers
from tests.support.target import own_server
from tests.support.waiting import PATIENCE, UNANSWERED, answered

pytestmark = pytest.mark.filterwarnings("ignore:create_transient:DeprecationWarning")

Call = Callable[[Projections], Coroutine[Any, Any, object]]

COUNT = """
fromCategory("order")
  .foreachStream()
  .when({ $init: () => ({ count: 0 }), Placed: (state) => { state.count += 1; return state; } })
  .transformBy((state) => ({ twice: 2 * state.count }))
  .outputState();
"""
"""Counts the orders of each stream."""

TOTAL = """
fromStream("order-1")
  .when({ $init: () => ({ count: 0 }), Placed: (state) => { state.count += 1; return state; } })
  .outputState();
"""

TENFOLD = TOTAL.replace("+= 1", "+= 10")

COPY = """
fromStream("order-1").when({ Placed: (state, event) => { emit("copies", "Copied", event.data); } });
"""


class Total(BaseModel):
    count: int


@pytest.fixture
def projections(esdb: Connection) -> Projections:
    return esdb.projections


async def place(esdb: Connection, count: int = 1, stream: str = "order-1") -> None:
    await esdb.append(stream, [NewEvent("Placed", {}) for _ in range(count)])


async def shown(projections: Projections, state: Any, name: str = "total", partition: str = "") -> None:
    """Wait until the state is this."""
    await answered(lambda: projections.state(name, partition=partition), lambda found: found == state)


async def come_to(projections: Projections, status: str, name: str = "total") -> ProjectionStatistics:
    """What is told of a projection, as soon as its status begins like this."""
    return await answered(lambda: projections.statistics(name), lambda told: told.status.startswith(status))


async def test_a_projection_follows_what_happens(esdb: Connection, projections: Projections) -> None:
    """History first; it needs no start."""
    await place(esdb, 3)
    await projections.create("total", TOTAL)
    await shown(projections, {"count": 3})
    await place(esdb, 2)
    await shown(projections, {"count": 5})
    told = await come_to(projections, "Running")
    assert (told.name, told.mode, told.progress) == ("total", ProjectionMode.CONTINUOUS, 100.0)


async def test_a_projection_without_any_event(projections: Projections) -> None:
    """Its state is empty, and so is its result."""
    await projections.create("total", COPY, emit_enabled=True)
    assert await projections.state("total") == {}
    assert await projections.result("total") == {}


async def test_state_and_result_of_a_partition(esdb: Connection, projections: Projections) -> None:
    """The result is what is made of the state; a partition that is not there has none."""
    await projections.enable("$by_category")
    await place(esdb, 2)
    await place(esdb, 1, "order-2")
    await projections.create("orders", COUNT)
    await shown(projections, {"count": 1}, "orders", "order-2")
    assert await projections.state("orders", partition="order-1") == {"count": 2}
    assert await projections.result("orders", partition="order-1") == {"twice": 4}
    assert await projections.state("orders", partition="order-3") == {}


async def test_a_state_as_a_model(esdb: Connection, projections: Projections) -> None:
    """Typed, and checked by pydantic."""
    await place(esdb, 2)
    await projections.create("total", TOTAL)
    await shown(projections, {"count": 2})
    assert await projections.state("total", model=Total) == Total(count=2)
    assert (await projections.result("total", model=Total)).count == 2

    class Other(BaseModel):
        name: str

    with pytest.raises(ValidationError):
        await projections.state("total", model=Other)


async def test_transient_projections_end(projections: Projections) -> None:
    """Coming servers refuse them, and the call says what to make instead."""
    with pytest.warns(DeprecationWarning, match=r"use create_one_time\(\), or create\(\)") as warned:
        await projections.create_transient("passing", TOTAL)
    assert warned[0].filename == __file__


async def test_a_transient_projection_is_gone_after_a_restart(esdb: Connection, projections: Projections) -> None:
    """Others go on from where they were."""
    await place(esdb, 2)
    await projections.create("total", TOTAL)
    await projections.create_transient("passing", TOTAL)
    await shown(projections, {"count": 2})
    await shown(projections, {"count": 2}, "passing")
    assert [told.name for told in await projections.list(ProjectionMode.TRANSIENT)] == ["passing"]
    await projections.restart()
    await shown(projections, {"count": 2})
    with pytest.raises(ProjectionNotFound):
        await projections.state("passing")


@own_server
async def test_a_one_time_projection_ends_with_the_events_of_today(esdb: Connection, projections: Projections) -> None:
    """Its name is found in the list."""
    await place(esdb, 2)
    await projections.create_one_time(TOTAL)
    [told] = await projections.list(ProjectionMode.ONE_TIME)
    await come_to(projections, "Completed", told.name)
    assert await projections.state(told.name) == {"count": 2}


@own_server
async def test_lists_of_projections(projections: Projections) -> None:
    """The system's are among them all, and among the continuous ones."""
    await projections.create("total", TOTAL)
    everything = {told.name for told in await projections.list()}
    assert {"total", "$by_category", "$by_event_type", "$streams", "$stream_by_category"} <= everything
    assert {told.name for told in await projections.list(ProjectionMode.CONTINUOUS)} == everything


async def test_an_update_replaces_the_query(esdb: Connection, projections: Projections) -> None:
    """The projection goes on with it."""
    await place(esdb)
    await projections.create("total", TOTAL)
    await shown(projections, {"count": 1})
    await projections.update("total", TENFOLD)
    await come_to(projections, "Running")
    await place(esdb)
    await shown(projections, {"count": 11})


async def test_an_update_may_allow_to_emit(esdb: Connection, projections: Projections) -> None:
    """Without a word of it, it stays as it was."""
    await place(esdb)
    await projections.create("total", TOTAL)
    await projections.update("total", COPY, emit_enabled=True)
    await projections.reset("total")
    await projections.enable("total")
    await answered(lambda: copies(esdb), lambda count: count == 1)
    await projections.update("total", COPY)
    await come_to(projections, "Running")
    await place(esdb)
    await answered(lambda: copies(esdb), lambda count: count == 2)


async def copies(esdb: Connection) -> int:
    """How many events were emitted."""
    try:
        return len(await esdb.read("copies").to_list())
    except StreamNotFound:
        return 0


async def test_a_disabled_projection_rests_until_it_is_enabled(esdb: Connection, projections: Projections) -> None:
    """Then it goes on from there."""
    await place(esdb)
    await projections.create("total", TOTAL)
    await shown(projections, {"count": 1})
    await projections.disable("total")
    await come_to(projections, "Stopped")
    await place(esdb)
    assert await projections.state("total") == {"count": 1}
    await projections.enable("total")
    await shown(projections, {"count": 2})


async def test_an_aborted_projection_goes_on_where_its_checkpoint_was(
    esdb: Connection, projections: Projections
) -> None:
    """Whatever it has done since is done again."""
    await place(esdb, 2)
    await projections.create("total", TOTAL)
    await shown(projections, {"count": 2})
    await projections.abort("total")
    await come_to(projections, "Aborted")
    await projections.enable("total")
    await shown(projections, {"count": 2})


async def test_a_reset_begins_anew(esdb: Connection, projections: Projections) -> None:
    """With another query, the state is as if that had always been there."""
    await place(esdb, 2)
    await projections.create("total", TOTAL)
    await shown(projections, {"count": 2})
    await projections.disable("total")
    await projections.update("total", TENFOLD)
    await projections.reset("total")
    await projections.enable("total")
    await shown(projections, {"count": 20})


async def test_a_deleted_projection_may_take_with_it_what_it_wrote(esdb: Connection, projections: Projections) -> None:
    """If it kept track of that."""
    await place(esdb)
    await projections.create("total", COPY, emit_enabled=True, track_emitted_streams=True)
    await answered(lambda: copies(esdb), lambda count: count == 1)
    await projections.disable("total")
    await come_to(projections, "Stopped")
    await projections.delete(
        "total", delete_emitted_streams=True, delete_state_stream=True, delete_checkpoint_stream=True
    )
    await answered(lambda: copies(esdb), lambda count: count == 0)
    with pytest.raises(ProjectionNotFound):
        await projections.statistics("total")


async def test_a_query_with_a_mistake(projections: Projections) -> None:
    """The projection is there, and says what is wrong with it."""
    await projections.create("total", "fromNowhere()")
    told = await come_to(projections, "Faulted")
    assert "fromNowhere" in told.state_reason


async def test_a_name_that_is_taken(projections: Projections) -> None:
    """The error has the server's word for it."""
    await projections.create("total", TOTAL)
    with pytest.raises(ProjectionFailed) as caught:
        await projections.create("total", TOTAL)
    assert caught.value.word == "Conflict"


async def test_a_projection_that_runs_can_not_be_deleted(projections: Projections) -> None:
    """It has to be disabled first."""
    await projections.create("total", TOTAL)
    with pytest.raises(ProjectionFailed) as caught:
        await projections.delete("total")
    assert caught.value.word == "OperationFailed"
    await projections.disable("total")
    await come_to(projections, "Stopped")
    await projections.delete("total")


ON_A_MISSING_PROJECTION: dict[str, Call] = {
    "update": lambda projections: projections.update("missing", TOTAL),
    "delete": lambda projections: projections.delete("missing"),
    "enable": lambda projections: projections.enable("missing"),
    "disable": lambda projections: projections.disable("missing"),
    "abort": lambda projections: projections.abort("missing"),
    "reset": lambda projections: projections.reset("missing"),
    "state": lambda projections: projections.state("missing"),
    "result": lambda projections: projections.result("missing"),
    "statistics": lambda projections: projections.statistics("missing"),
}


@pytest.mark.parametrize("call", ON_A_MISSING_PROJECTION.values(), ids=ON_A_MISSING_PROJECTION.keys())
async def test_a_projection_that_is_not_there(projections: Projections, call: Call) -> None:
    """Whatever is asked of it."""
    with pytest.raises(ProjectionNotFound, match="missing"):
        await call(projections)


BAD: dict[str, tuple[Call, str]] = {
    "no name": (lambda projections: projections.create("", TOTAL), "name must be a text of at least one"),
    "a name that is none": (lambda projections: projections.enable("\ud800"), "name .* UTF-8 cannot encode"),
    "no query": (lambda projections: projections.create_one_time(""), "query must be a text of at least one"),
    "no partition": (lambda projections: projections.state("p", partition=None), "partition must be a text, not None"),  # type: ignore[call-overload]  # meant
    "an engine": (lambda projections: projections.create("p", TOTAL, engine_version=-1), "engine_version must be"),
    "tracking nothing": (
        lambda projections: projections.create("p", TOTAL, track_emitted_streams=True),
        "track_emitted_streams needs emit_enabled",
    ),
    "an engine that can't track": (
        lambda projections: projections.create(
            "p", TOTAL, emit_enabled=True, track_emitted_streams=True, engine_version=2
        ),
        "track_emitted_streams is not for engine_version 2",
    ),
    "a property without a name": (
        lambda projections: projections.create("p", TOTAL, properties={1: 2}),  # type: ignore[dict-item]  # meant
        "the name of a property must be a text",
    ),
    "a mode that is none": (lambda projections: projections.list("all"), "mode must be a ProjectionMode"),  # type: ignore[arg-type]  # meant
    "no time": (lambda projections: projections.restart(timeout=-1), "timeout must be a number of seconds"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
async def test_what_can_not_be_is_refused_by_name(projections: Projections, call: Call, message: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgument, match=message):
        await call(projections)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Create", lambda projections: projections.create("p", TOTAL, timeout=UNANSWERED)),
        ("Create", lambda projections: projections.create_transient("p", TOTAL, timeout=UNANSWERED)),
        ("Create", lambda projections: projections.create_one_time(TOTAL, timeout=UNANSWERED)),
        ("Update", lambda projections: projections.update("total", TOTAL, timeout=UNANSWERED)),
        ("Delete", lambda projections: projections.delete("passing", timeout=UNANSWERED)),
        ("Enable", lambda projections: projections.enable("total", timeout=UNANSWERED)),
        ("Disable", lambda projections: projections.disable("total", timeout=UNANSWERED)),
        ("Disable", lambda projections: projections.abort("total", timeout=UNANSWERED)),
        ("Reset", lambda projections: projections.reset("total", timeout=UNANSWERED)),
        ("RestartSubsystem", lambda projections: projections.restart(timeout=UNANSWERED)),
    ],
)
async def test_a_change_without_answer_leaves_the_outcome_unknown(
    projections: Projections, esdb_server: EmbeddedServer, name: str, call: Call
) -> None:
    """It may have happened, so it is not made again."""
    await projections.create("total", TOTAL)
    await projections.create_transient("passing", TOTAL)
    answers = lose_answers(esdb_server, name)
    with pytest.raises(OutcomeUnknown) as caught:
        await call(projections)
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert answers.happened == 1


async def test_a_read_only_connection_looks_and_changes_nothing(projections: Projections, target: str) -> None:
    """States and statistics are there for it."""
    await projections.create("total", TOTAL)
    async with connect(EsdbSettings(connection_string=target, read_only=True)) as esdb:
        await esdb.wait_connected(PATIENCE)
        assert (await esdb.projections.statistics("total")).name == "total"
        with pytest.raises(ReadOnlyConnection):
            await esdb.projections.disable("total")


async def test_credentials_of_one_call() -> None:
    """Continuous projections are an operator's business."""
    operator = Credentials("ops", SecretStr("changeit"))
    async with EmbeddedServer(secure=True) as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        with pytest.raises(AccessDenied):
            await esdb.projections.create("total", TOTAL)
        await esdb.projections.create("total", TOTAL, credentials=operator)
        assert (await esdb.projections.statistics("total", credentials=operator)).name == "total"
