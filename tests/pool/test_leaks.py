"""Nothing is left of pools that are closed."""

from __future__ import annotations

import asyncio
import gc
import threading

import psutil
import pytest

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.errors import ConnectionClosed
from tests.support.pools import pool_on
from tests.support.processes import free_port
from tests.support.scripted import FOLLOW, READ, ScriptedServer
from tests.support.waiting import until

CYCLES = 1000
LONG = [pytest.mark.slow, pytest.mark.timeout(600)]
SETTLED_AFTER = 200
MOST_GROWTH = 8 * 1024 * 1024
"""Bytes. Measured: about 1 MB in 800 cycles, which gRPC and the allocator keep once and for all."""


@pytest.mark.parametrize("cycles", [SETTLED_AFTER + 200, pytest.param(CYCLES, marks=LONG)])
async def test_many_pools(server: ScriptedServer, cycles: int) -> None:
    """No task, no thread, no descriptor, hardly any memory after hundreds of openings, uses and closings."""
    me = psutil.Process()
    before, settled = _counts(me), 0
    for number in range(cycles):
        async with pool_on(server.port, pool_size=1) as pool:
            await pool.call(READ, "hello")
            async with pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream:
                await stream.read()
        if number == SETTLED_AFTER:
            settled = _memory(me)
    await until(lambda: all(now <= then for now, then in zip(_counts(me), before, strict=True)))
    assert _memory(me) - settled < MOST_GROWTH


@pytest.mark.parametrize("attempts", [SETTLED_AFTER + 150, pytest.param(CYCLES, marks=LONG)])
async def test_an_absent_server_costs_nothing(attempts: int) -> None:
    """Attempts and refused calls leave no descriptor and hardly any memory behind."""
    me = psutil.Process()
    async with pool_on(free_port(), pool_size=2, wait=0.01) as pool:
        while pool.connections[0].attempts <= SETTLED_AFTER:
            await pool.reconnect()
        fds, settled = me.num_fds(), _memory(me)
        while pool.connections[0].attempts < attempts:
            try:
                await pool.call(READ, "hello", CallOptions(timeout=5))
            except ConnectionClosed:
                await pool.reconnect()  # the pause before the next attempt ends
        assert me.num_fds() <= fds + 10
        assert _memory(me) - settled < MOST_GROWTH


def _counts(process: psutil.Process) -> tuple[int, ...]:
    """Tasks, threads, descriptors."""
    return len(asyncio.all_tasks()), threading.active_count(), process.num_fds()


def _memory(process: psutil.Process) -> int:
    gc.collect()
    size: int = process.memory_info().rss
    return size
