"""A process that ends while a thread of it reads."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from time import monotonic

import pytest

from fastapi_esdb import NewEvent, connect
from tests.support.processes import address, embedded, settings_for
from tests.support.waiting import PATIENCE

QUICK = 5.0
"""Seconds, of which the script itself takes half a second."""


@pytest.mark.parametrize("how", ["tidy", "bare"])
async def test_a_frozen_server_does_not_hold_it(how: str) -> None:
    """Nobody waits for a thread that waits for a server."""
    async with embedded() as server:
        async with connect(settings_for(server.port)) as esdb:
            await esdb.wait_connected(PATIENCE)
            for _ in range(60):
                await esdb.append("long", [NewEvent("Filled", b"x" * 10_000) for _ in range(50)])
        script = await _started(address(server.port), how)
        server.freeze()
        began = monotonic()
        _, errors = await asyncio.wait_for(script.communicate(b"\n"), PATIENCE)
        assert monotonic() - began < QUICK
        assert script.returncode == 0, errors.decode()
        server.thaw()


async def _started(address: str, how: str) -> asyncio.subprocess.Process:
    """The script, reading."""
    command = [sys.executable, "-m", "tests.faults.reading_script", address, how]
    script = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert script.stdout is not None
    assert await asyncio.wait_for(script.stdout.readline(), PATIENCE) == b"reading\n"
    return script
