"""Writes that wait for other nodes."""

from __future__ import annotations

import asyncio

import pytest

from fastapi_esdb.embedded.cluster import pending
from fastapi_esdb.embedded.cluster.pending import PendingWrites
from fastapi_esdb.wire.errors import ServerTimeout


async def waiting(writes: PendingWrites, *ends: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(writes.wait(end)) for end in ends]
    await asyncio.sleep(0)
    return tasks


async def test_what_is_durable_is_done() -> None:
    """In the order of the log, up to where it is durable."""
    writes = PendingWrites()
    first, second, third = await waiting(writes, 100, 200, 300)
    writes.settle(200)
    await asyncio.wait([first, second])
    assert not third.done()
    writes.settle(300)
    await third


async def test_a_leader_that_is_deposed() -> None:
    """Whoever waits is told that nobody knows; a caller that is gone is in nobody's way."""
    writes = PendingWrites()
    first, second = await waiting(writes, 100, 200)
    first.cancel()
    await asyncio.wait([first])
    writes.give_up()
    with pytest.raises(ServerTimeout):
        await second


async def test_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write is not waited for without end; that it becomes durable later does no harm."""
    monkeypatch.setattr(pending, "WRITE_TIMEOUT", 0.01)
    writes = PendingWrites()
    [late] = await waiting(writes, 100)
    with pytest.raises(ServerTimeout):
        await late
    writes.settle(100)
