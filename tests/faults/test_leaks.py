"""Opening and closing again and again: nothing is left behind."""

from __future__ import annotations

import pytest

from fastapi_esdb import EsdbSettings, NewEvent, connect
from tests.support.resources import Resources, memory
from tests.support.waiting import until

WARM_UP = 60
"""Cycles after which everything that is made once has been made."""
GROWTH = 20.0
"""Megabytes; a leak of the smallest connection would be more than that."""


async def once(settings: EsdbSettings) -> None:
    """Start an embedded server, connect to it, use it, and end both."""
    async with connect(settings) as esdb:
        await esdb.append("s", NewEvent("Counted", {}))
        async with esdb.subscribe("s") as events:
            await anext(events)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cycles", [150, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_cycles(cycles: int) -> None:
    """No task, thread or descriptor more than before, and hardly any memory."""
    settings = EsdbSettings(connection_string="esdb+embedded://", wait=10)
    for _ in range(WARM_UP):
        await once(settings)
    before, megabytes = Resources.now(), memory()
    for _ in range(cycles):
        await once(settings)
    await until(lambda: before.hold(Resources.now()))
    assert memory() - megabytes < GROWTH
