"""Groups of appends that a server refuses, wholly or for the sake of some: what becomes of each."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb import Connection, NewEvent, connect
from fastapi_esdb.api.metadata import StreamAcl, StreamMetadata
from fastapi_esdb.connection.call import unary_encoded
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import AppendOutcomeUnknown, NotSentInTime
from fastapi_esdb.pool.appends import append_batch
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import (
    AccessDenied,
    HandlerFailed,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    ServerNotReady,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from tests.pool.appends.batches import Watched, event, gathered, held, revisions
from tests.support.secure import as_admin
from tests.support.waiting import PATIENCE


def nameless() -> ProposedEvent:
    """An event that servers refuse."""
    return ProposedEvent(UUID(int=0), "T", b"{}")


async def test_a_violation_is_that_of_the_callers_it_names(watched: Watched, esdb: Connection) -> None:
    """They hear where the stream is; the others go again at once."""
    await esdb.append("taken", [event(), event()])
    watched.groups.clear()
    ends = await gathered(
        watched,
        esdb,
        ("taken", event(), NO_STREAM),
        ("a", event(), NO_STREAM),
        ("taken too", event(), 5),
        ("b", event(), ANY),
    )
    assert revisions(ends) == [WrongExpectedRevision, 0, WrongExpectedRevision, 0]
    first, third = ends[0], ends[2]
    assert isinstance(first, WrongExpectedRevision)
    assert isinstance(third, WrongExpectedRevision)
    assert (first.stream, first.expected, first.actual) == ("taken", NO_STREAM, 1)
    assert (third.stream, third.expected, third.actual) == ("taken too", 5, NO_STREAM)
    assert [len(group.records) for group in watched.groups] == [1, 4, 2]


async def test_the_same_append_again_is_known_again(watched: Watched, esdb: Connection) -> None:
    """Beside others, and though its check fails by now: the answer is the one of the first time."""
    given = event()
    assert (await esdb.append("s", given, NO_STREAM)).revision == 0
    await esdb.append("s", event())
    watched.groups.clear()
    ends = await gathered(watched, esdb, ("s", given, NO_STREAM), ("t", event(), ANY))
    assert revisions(ends) == [0, 0]
    assert len(await esdb.read("s").to_list()) == 2


async def test_ids_of_which_the_server_knows_some(watched: Watched, esdb: Connection) -> None:
    """What it knows is made apart, and the others go again; nothing is doubled."""
    given = event()
    await esdb.append("s", given)
    watched.groups.clear()
    ends = await gathered(watched, esdb, ("s", given, ANY), ("t", event(), ANY), ("u", event(), ANY))
    assert revisions(ends) == [0, 0, 0]
    assert len(await esdb.read("s").to_list()) == 1
    assert [len(group.records) for group in watched.groups] == [1, 3, 2]


async def test_a_tombstoned_stream(watched: Watched, esdb: Connection) -> None:
    """Only the append to it fails."""
    await esdb.tombstone("gone")
    ends = await gathered(watched, esdb, ("a", event(), ANY), ("gone", event(), ANY), ("b", event(), NO_STREAM))
    assert revisions(ends) == [0, StreamDeleted, 0]


async def test_a_refusal_that_names_nobody(watched: Watched) -> None:
    """Splits the group until only the guilty fails."""
    limit = MaximumAppendSizeExceeded
    async with EmbeddedServer(max_append_size=3_000) as server:
        settings = EsdbSettings(connection_string=server.connection_string, append_mode=AppendMode.GROUPED)
        async with connect(settings) as small:
            await small.wait_connected(PATIENCE)
            watched.groups.clear()
            sizes = [10, 10, 5_000, 10, 10]
            appends = [(name, NewEvent("T", b"x" * size), ANY) for name, size in zip("abcde", sizes, strict=True)]
            assert revisions(await gathered(watched, small, *appends)) == [0, 0, limit, 0, 0]


async def test_a_bad_request(watched: Watched, esdb: Connection) -> None:
    """Only the append fails that is one."""
    ends = await gathered(watched, esdb, ("a", event(), ANY), ("b", nameless(), ANY), ("c", event(), NO_STREAM))
    assert revisions(ends) == [0, InvalidArgument, 0]


async def test_a_stream_that_the_user_may_not_write_to(watched: Watched) -> None:
    """Only the append to it fails."""
    async with as_admin() as admin:
        await admin.set_metadata("mine", StreamMetadata(acl=StreamAcl(write="$admins")))
        string = f"esdb://jane:secret@{admin.pool.address}?tls=false"
        async with connect(EsdbSettings(connection_string=string, append_mode=AppendMode.GROUPED)) as jane:
            await jane.wait_connected(PATIENCE)
            ends = await gathered(watched, jane, ("a", event(), ANY), ("mine", event(), ANY), ("b", event(), NO_STREAM))
    assert revisions(ends) == [0, AccessDenied, 0]
    assert [len(group.records) for group in watched.groups] == [1, 3, 1, 2, 1, 1]


async def test_a_deadline_that_passes_before_a_group_goes_again(watched: Watched, esdb: Connection) -> None:
    """Nothing of it was written."""
    first = await held(watched, esdb)
    given = [nameless(), event(), event()]
    tasks = [asyncio.create_task(esdb.append(f"s-{number}", one)) for number, one in enumerate(given)]
    leaving = asyncio.create_task(esdb.append("leaving", event(), timeout=0.5))
    await asyncio.sleep(0)
    await watched.step()
    with pytest.raises(NotSentInTime):
        await leaving
    watched.gate.set()
    assert (await first).revision == 0
    assert revisions(await asyncio.gather(*tasks, return_exceptions=True)) == [InvalidArgument, 0, 0]


async def test_a_failure_that_nobody_foresaw(
    watched: Watched, esdb: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaves the outcome of its group unknown, and the next one goes."""
    monkeypatch.setattr(append_batch, "MOST_APPENDS", 1)
    first = await held(watched, esdb)
    second, third = (asyncio.create_task(esdb.append(name, event(), retry_unknown=False)) for name in "st")
    await asyncio.sleep(0)
    failures = [OverflowError()]

    async def failing(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return await unary_encoded(*arguments)

    monkeypatch.setattr("fastapi_esdb.pool.appends.append_batches.unary_encoded", failing)
    watched.gate.set()
    await first
    with pytest.raises(AppendOutcomeUnknown):
        await second
    assert (await third).revision == 0


async def test_a_lost_call_leaves_the_outcome_of_each_unknown(watched: Watched, esdb: Connection) -> None:
    """With its own ids; nothing is sent again where that is not wanted."""
    given = [event() for _ in range(3)]
    first = await held(watched, esdb)
    appends = [esdb.append(f"s-{number}", one, retry_unknown=False) for number, one in enumerate(given)]
    tasks = [asyncio.create_task(append) for append in appends]
    await asyncio.sleep(0)
    watched.gate.set()
    await first
    watched.refusals = [HandlerFailed("fell over")]
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [end.ids for end in ends if isinstance(end, AppendOutcomeUnknown)] == [(one.id,) for one in given]
    assert len(watched.groups) == 2


async def test_what_was_not_executed_goes_again(watched: Watched, esdb: Connection) -> None:
    """By each caller's own retries."""
    watched.refusals = [ServerNotReady()]
    assert (await esdb.append("s", event(), NO_STREAM)).revision == 0
    assert esdb.pool.stats()["retries_total"] == 1
