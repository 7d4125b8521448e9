"""A round with real processes."""

from __future__ import annotations

import asyncio

from benchmarks.faults.kinds import kill, resign
from benchmarks.faults.ours import NAME
from benchmarks.faults.plan import KILL, RESIGN, shares
from benchmarks.faults.pulse import Pulse
from benchmarks.faults.results import FaultResult
from benchmarks.faults.round import Round
from fastapi_esdb.embedded import EmbeddedCluster


async def both(cluster: EmbeddedCluster) -> list[float]:
    """A kill and then a resignation."""
    return [*await kill(cluster), *await resign(cluster)]


async def test_a_kill_and_a_resignation() -> None:
    """No append fails, everything acknowledged is stored once and reaches all who follow; and all that is counted."""
    told: list[FaultResult] = []
    one = Round([NAME], told.append)
    assert await one.run(KILL, both, 1) == 1
    [fault] = told
    cost, found = fault.costs[NAME], one.audits[NAME]
    assert len(fault.elections) == 2
    assert cost.is_back
    assert 0 < min(fault.elections) < cost.gap
    assert cost.gap_of_all <= cost.gap
    assert cost.errors == {}
    assert found.acked == found.stored > 0
    assert found.failed == found.lost == found.doubled == found.unsaid == 0
    assert found.missing == found.misdelivered == found.unconsumed == found.reopened == found.ended == 0


async def test_the_pulse() -> None:
    """A process that is kept from running notices."""
    async with Pulse() as pulse:
        await asyncio.sleep(0.05)
        asyncio.get_running_loop().call_soon(_hog)
        await asyncio.sleep(0.05)
    assert pulse.longest_stall > 0.05


def _hog() -> None:
    end = asyncio.get_running_loop().time() + 0.1
    while asyncio.get_running_loop().time() < end:
        pass


def test_what_is_planned() -> None:
    """As many of each kind as were asked for."""
    plan = shares(1, 0, 2, 0, 20.0)
    assert [share.kind for share in plan if share.left] == [KILL, RESIGN]
