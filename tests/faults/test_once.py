"""Every append happens once, whatever it expects and whatever happens: seeded schedules against a history of them."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from fastapi_esdb import Connection, NewEvent, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.choices import AppendMode
from tests.faults.history import History
from tests.faults.ill_server import IllServer
from tests.faults.writers import Writer
from tests.support.processes import free_port, settings_for
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE

DEADLINE = 3 * PATIENCE
"""Seconds, far longer than any fault, so that nothing may stay unknown."""

SIZES = [(1, 1, 20), (4, 1, 12), (4, 9, 12), (64, 1, 2), (64, 9, 2)]
"""Writers, streams, and appends of each writer."""


async def begin(esdb: Connection, streams: list[str]) -> None:
    for stream in streams:
        await esdb.append(stream, NewEvent("Begun", {}))


async def play(seed: int, patch: pytest.MonkeyPatch) -> History:
    """One schedule, and what its writers were told, which was checked."""
    chance, history = random.Random(seed), History()
    writers, streams, appends = SIZES[seed % len(SIZES)]
    mode = list(AppendMode)[seed // len(SIZES) % len(AppendMode)]
    in_haste, closes = chance.choice((0.0, 0.0, 0.3)), chance.random() < 0.2
    names = [f"s-{number}" for number in range(streams)]
    async with EmbeddedServer(port=free_port()) as server, FaultProxy(server.port) as proxy:
        settings = settings_for(proxy.port, append_mode=mode, wait=PATIENCE, deadline=DEADLINE, retry_interval=0.05)
        async with connect(settings) as esdb, connect(server.connection_string) as beside:
            await beside.wait_connected(PATIENCE)
            await begin(beside, names)
            await esdb.wait_connected(PATIENCE)
            ill = IllServer(server, proxy, chance)
            ill.infect(patch)
            suffering = asyncio.create_task(ill.suffer(esdb, closes=closes))
            work = [Writer(esdb, history, f"w-{n}", names, random.Random(f"{seed}-{n}")) for n in range(writers)]
            await asyncio.gather(*(writer.write(appends, in_haste=in_haste) for writer in work))
            suffering.cancel()
            with suppress(asyncio.CancelledError):
                await suffering
            await ill.recover()
            await server.start()
        async with connect(server.connection_string) as beside:
            await beside.wait_connected(PATIENCE)
            await history.check(beside)
    history.check_failures(closes=closes)
    return history


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(n, marks=pytest.mark.slow) for n in range(4, 500))])
async def test_a_schedule(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was acknowledged is stored once, where it was said to be, and in order; what was refused is not there."""
    history = await play(seed, monkeypatch)
    assert history.told or history.unknown or history.refused
