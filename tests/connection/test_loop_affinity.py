"""Where connections may be used."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fastapi_esdb.connection.loop_affinity import LoopAffinity
from fastapi_esdb.errors import UsedAfterFork, WrongEventLoop


async def test_at_home_everything_is_fine() -> None:
    """On the loop it was made on, nothing is raised."""
    LoopAffinity.here().check()


async def test_another_loop() -> None:
    """Elsewhere the error says what to do."""
    owner = LoopAffinity.here()

    async def check() -> None:
        owner.check()

    with pytest.raises(WrongEventLoop, match=r"EsdbSyncDep, whose calls need no asyncio.run\(\)"):
        await asyncio.to_thread(asyncio.run, check())


async def test_another_process() -> None:
    """After a fork it is the process that is wrong, whatever the loop."""
    owner = replace(LoopAffinity.here(), pid=0)
    with pytest.raises(UsedAfterFork, match="before a fork"):
        owner.check()
