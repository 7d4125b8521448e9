"""Appends that left in one batch, of which some are given up, and which arrives when the others have been resolved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb import AppendOutcomeUnknown, Connection, NewEvent, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.wire.errors import ConsistencyViolation, ServerTimeout
from tests.support.processes import settings_for
from tests.support.waiting import PATIENCE, UNANSWERED, until


class LateBatch:
    """The first batch is held up until the second one waits, which is carried out when it is told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.goes_on = asyncio.Event()
        self.is_lost = asyncio.Event()
        self._late: Callable[[], Awaitable[Any]] | None = None
        write = Database.append_many

        async def write_late(database: Database, *arguments: Any) -> Any:
            self.calls += 1
            match self.calls:
                case 1:
                    await self.goes_on.wait()
                case 2:
                    self._late = lambda: write(database, *arguments)
                    await self.is_lost.wait()
                    raise ServerTimeout
            return await write(database, *arguments)

        patch.setattr(Database, "append_many", write_late)

    async def arrive(self) -> None:
        """The batch, which was thought to be lost. Servers refuse it where they know a part of it."""
        assert self._late is not None
        with suppress(ConsistencyViolation):
            await self._late()


@pytest.fixture
async def esdb() -> AsyncIterator[Connection]:
    async with EmbeddedServer() as server:
        settings = settings_for(server.port, append_mode=AppendMode.GROUPED, deadline=PATIENCE)
        async with connect(settings) as connection:
            await connection.append("s", NewEvent("Begun", {}))
            yield connection


@pytest.fixture
def batch(esdb: Connection, monkeypatch: pytest.MonkeyPatch) -> LateBatch:
    return LateBatch(monkeypatch)


async def ids(esdb: Connection) -> list[UUID]:
    return [event.id async for event in esdb.read("s")][1:]


async def test_a_neighbour_that_was_cancelled(esdb: Connection, batch: LateBatch) -> None:
    """Whoever left behind an append that nobody waits for any more is stored once, and so is that one."""
    first, second, third = (NewEvent(name, {}) for name in ("First", "Second", "Third"))
    opening = asyncio.create_task(esdb.append("other", NewEvent("Opening", {})))
    await until(lambda: batch.calls == 1)
    tasks = [asyncio.create_task(esdb.append("s", event)) for event in (first, second, third)]
    await asyncio.sleep(0)  # they wait
    batch.goes_on.set()
    await until(lambda: batch.calls == 2)
    tasks[0].cancel()
    batch.is_lost.set()
    results = await asyncio.gather(*tasks, opening, return_exceptions=True)
    await batch.arrive()
    assert await ids(esdb) == [first.id, second.id, third.id]
    assert [getattr(result, "revision", None) for result in results[1:3]] == [2, 3]


async def test_a_neighbour_that_is_not_followed_up(esdb: Connection, batch: LateBatch) -> None:
    """The same where its caller was told that nobody knows."""
    first, second = NewEvent("First", {}), NewEvent("Second", {})
    opening = asyncio.create_task(esdb.append("other", NewEvent("Opening", {})))
    await until(lambda: batch.calls == 1)
    given_up = asyncio.create_task(esdb.append("s", first, retry_unknown=False))
    followed = asyncio.create_task(esdb.append("s", second))
    await asyncio.sleep(0)  # they wait
    batch.goes_on.set()
    await until(lambda: batch.calls == 2)
    batch.is_lost.set()
    with pytest.raises(AppendOutcomeUnknown):
        await given_up
    result = await followed
    await asyncio.gather(opening, batch.arrive())
    assert await ids(esdb) == [first.id, second.id]
    assert result.revision == 2


async def test_a_neighbour_that_was_resolved(esdb: Connection, batch: LateBatch) -> None:
    """Where all are followed up, each is stored once, in the order in which they left."""
    events = [NewEvent(f"E{number}", {}) for number in range(5)]
    opening = asyncio.create_task(esdb.append("other", NewEvent("Opening", {})))
    await until(lambda: batch.calls == 1)
    tasks = [asyncio.create_task(esdb.append("s", event)) for event in events]
    await asyncio.sleep(0)  # they wait
    batch.goes_on.set()
    await until(lambda: batch.calls == 2)
    batch.is_lost.set()
    results = await asyncio.gather(*tasks)
    await asyncio.gather(opening, batch.arrive())
    assert await ids(esdb) == [event.id for event in events]
    assert [result.revision for result in results] == [1, 2, 3, 4, 5]


async def test_a_neighbour_with_more_time(esdb: Connection, batch: LateBatch) -> None:
    """Whoever waits no longer for the batch is stored once, and so is who left ahead and still waits for it."""
    first, second = NewEvent("First", {}), NewEvent("Second", {})
    opening = asyncio.create_task(esdb.append("other", NewEvent("Opening", {})))
    await until(lambda: batch.calls == 1)
    patient = asyncio.create_task(esdb.append("s", first))
    in_haste = asyncio.create_task(esdb.append("s", second, timeout=2 * UNANSWERED))
    await asyncio.sleep(0)  # they wait
    batch.goes_on.set()
    await until(lambda: esdb.pool.stream_locks)  # it is being found out
    batch.is_lost.set()
    await asyncio.gather(opening, patient, in_haste)
    await batch.arrive()
    assert await ids(esdb) == [first.id, second.id]
    assert (patient.result().revision, in_haste.result().revision) == (1, 2)
