"""What an operator asks of a node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fastapi_esdb.api.arguments import INT32
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.operations import SCAVENGE_COMPLETED, Operations
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.errors import OutcomeUnknown
from fastapi_esdb.wire.admin.operations import NodePriority, ScavengeResult, StartScavenge
from fastapi_esdb.wire.errors import AccessDenied, DeadlineExceeded, InvalidArgument, ScavengeNotFound
from tests.api.fakes import FakeCarrier
from tests.support.lost_answers import lose_answers
from tests.support.secure import JANE, OPS, as_admin
from tests.support.target import own_server
from tests.support.waiting import PATIENCE, UNANSWERED

Call = Callable[[Operations], Coroutine[Any, Any, object]]


async def test_a_scavenge(esdb: Connection) -> None:
    """Frees what is hidden, and is followed to its end."""
    await esdb.append("s", [NewEvent("T", {"n": number}) for number in range(5)])
    await esdb.set_metadata("s", StreamMetadata(max_count=1))
    scavenge = await esdb.operations.start_scavenge(threads=2)
    assert scavenge.result is ScavengeResult.STARTED
    async with asyncio.timeout(PATIENCE):
        told = [event async for event in esdb.operations.scavenge_progress(scavenge.scavenge_id)]
    assert told[-1].type == SCAVENGE_COMPLETED
    assert {event.stream for event in told} == {f"$scavenges-{scavenge.scavenge_id}"}
    left = [event.revision for event in await esdb.read_all().to_list() if event.stream == "s"]
    assert left == [4]


async def test_the_progress_of_a_scavenge_that_is_over(esdb: Connection) -> None:
    """Is told from its start, as often as it is asked for."""
    scavenge = await esdb.operations.start_scavenge()
    for _ in range(2):
        async with asyncio.timeout(PATIENCE):
            told = [event.type async for event in esdb.operations.scavenge_progress(scavenge.scavenge_id)]
        assert (told[0], told[-1]) == ("$scavengeStarted", SCAVENGE_COMPLETED)


async def test_leaving_the_progress(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Ends the call."""
    scavenge = await esdb.operations.start_scavenge()
    async with esdb.operations.scavenge_progress(scavenge.scavenge_id) as events:
        async with asyncio.timeout(PATIENCE):
            await anext(events)
    async with asyncio.timeout(PATIENCE):
        while esdb_server.open_calls:  # noqa: ASYNC110  the server has no event for a test
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("by_id", [True, False])
async def test_stopping_a_scavenge(esdb: Connection, monkeypatch: pytest.MonkeyPatch, *, by_id: bool) -> None:
    """By its id, or whichever runs; a second one is the same one as long as it does."""
    go_on = asyncio.Event()
    page = Database.scavenge

    async def wait(self: Database, *arguments: Any) -> Any:
        await go_on.wait()
        return await page(self, *arguments)

    monkeypatch.setattr(Database, "scavenge", wait)
    await esdb.append("s", NewEvent("T", {}))
    scavenge = await esdb.operations.start_scavenge()
    again = await esdb.operations.start_scavenge()
    assert (again.scavenge_id, again.result) == (scavenge.scavenge_id, ScavengeResult.IN_PROGRESS)
    with pytest.raises(ScavengeNotFound) as other:
        await esdb.operations.stop_scavenge("other")
    assert other.value.running == scavenge.scavenge_id
    arguments = (scavenge.scavenge_id,) if by_id else ()
    assert (await esdb.operations.stop_scavenge(*arguments)).result is ScavengeResult.STOPPED
    go_on.set()
    async with asyncio.timeout(PATIENCE):
        told = [event async for event in esdb.operations.scavenge_progress(scavenge.scavenge_id)]
    assert told[-1].json()["result"] == "Stopped"


async def test_stopping_what_does_not_run(esdb: Connection) -> None:
    """There is nothing to stop."""
    with pytest.raises(ScavengeNotFound):
        await esdb.operations.stop_scavenge()


@own_server
async def test_operations_of_a_node(esdb: Connection) -> None:
    """They return when they are begun."""
    await esdb.operations.merge_indexes()
    await esdb.operations.set_node_priority(-3)
    await esdb.operations.resign_node()
    await esdb.operations.restart_persistent_subscriptions()
    await esdb.ping()


async def test_shutdown(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Is answered; then the server is gone, until somebody starts it."""
    await esdb.operations.shutdown()
    async with asyncio.timeout(PATIENCE):
        await esdb_server.wait_stopped()
    await esdb_server.start()
    await esdb.wait_connected(PATIENCE)
    await esdb.ping()


async def test_who_may() -> None:
    """Operators, and nobody else."""
    async with as_admin() as esdb:
        for call in (esdb.operations.merge_indexes, esdb.operations.start_scavenge, esdb.operations.shutdown):
            with pytest.raises(AccessDenied):
                await call(credentials=JANE)
        await esdb.operations.merge_indexes(credentials=OPS)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("StartScavenge", lambda asked: asked.start_scavenge(timeout=UNANSWERED)),
        ("MergeIndexes", lambda asked: asked.merge_indexes(timeout=UNANSWERED)),
        ("SetNodePriority", lambda asked: asked.set_node_priority(1, timeout=UNANSWERED)),
        ("ResignNode", lambda asked: asked.resign_node(timeout=UNANSWERED)),
        ("Shutdown", lambda asked: asked.shutdown(timeout=UNANSWERED)),
        (
            "RestartPersistentSubscriptions",
            lambda asked: asked.restart_persistent_subscriptions(timeout=UNANSWERED),
        ),
    ],
)
async def test_an_operation_without_answer_leaves_the_outcome_unknown(
    esdb: Connection, esdb_server: EmbeddedServer, name: str, call: Call
) -> None:
    """It may have happened: a server in memory may begin a scavenge and say nothing."""
    answers = lose_answers(esdb_server, name)
    with pytest.raises(OutcomeUnknown) as caught:
        await call(esdb.operations)
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert answers.happened == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda operations: operations.start_scavenge(threads=0), "threads"),
        (lambda operations: operations.start_scavenge(threads=True), "threads"),
        (lambda operations: operations.start_scavenge(threads=INT32 + 1), "threads"),
        (lambda operations: operations.start_scavenge(start_from_chunk=-1), "start_from_chunk"),
        (lambda operations: operations.stop_scavenge(""), "scavenge_id"),
        (lambda operations: operations.set_node_priority(INT32 + 1), "priority"),
        (lambda operations: operations.set_node_priority("1"), "priority"),
        (lambda operations: operations.merge_indexes(timeout=-1), "timeout"),
    ],
)
async def test_what_can_not_be(call: Call, says: str) -> None:
    """Is refused before anything is sent, by the name of the argument."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument, match=says):
        await call(Operations(carrier))
    assert not carrier.methods


def test_the_progress_of_no_scavenge() -> None:
    """Its id is needed at once, not with the first event."""
    with pytest.raises(InvalidArgument, match="scavenge_id"):
        Operations(FakeCarrier()).scavenge_progress("")


async def test_what_is_asked_for() -> None:
    """Every number arrives at the server."""
    carrier = FakeCarrier(answers=[None, None])
    operations = Operations(carrier)
    await operations.start_scavenge(threads=3, start_from_chunk=7)
    await operations.set_node_priority(-INT32 - 1)
    assert carrier.requests == [StartScavenge(3, 7), NodePriority(-INT32 - 1)]
