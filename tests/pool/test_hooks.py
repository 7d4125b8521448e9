"""The application's own callbacks."""

from __future__ import annotations

import asyncio
import logging

import pytest

from fastapi_esdb.pool import hooks as module
from fastapi_esdb.pool.hooks import Hooks
from tests.support.waiting import PATIENCE


async def test_hooks_run_in_order() -> None:
    """Functions and coroutine functions, one after the other."""
    ran: list[str] = []

    async def slow() -> None:
        await asyncio.sleep(0.01)
        ran.append("slow")

    hooks = Hooks()
    hooks.run([slow, lambda: ran.append("quick")])
    hooks.run([lambda: ran.append("later")])
    await hooks.finish()
    assert ran == ["slow", "quick", "later"]


async def test_a_hook_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """What it raises is logged, and the next one runs."""
    ran: list[str] = []

    def broken() -> None:
        raise ValueError("broken hook")

    hooks = Hooks()
    with caplog.at_level(logging.ERROR, "fastapi_esdb"):
        hooks.run([broken, lambda: ran.append("next")])
        await hooks.finish()
    assert ran == ["next"]
    assert "broken hook" in caplog.text


async def test_a_hook_that_never_ends_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the pool does not wait for it for ever."""
    monkeypatch.setattr(module, "CLOSING_TIMEOUT", 0.05)
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    hooks = Hooks()
    hooks.run([endless])
    await started.wait()
    await hooks.finish()
    assert cancelled.is_set()


async def test_a_hook_may_wait_for_the_end() -> None:
    """One that closes the pool would otherwise wait for itself."""
    hooks, done = Hooks(), asyncio.Event()

    async def closing() -> None:
        await hooks.finish()
        done.set()

    hooks.run([closing])
    await asyncio.wait_for(done.wait(), PATIENCE)
    await hooks.finish()


async def test_without_hooks_there_is_no_task() -> None:
    """Nothing runs for nothing."""
    hooks = Hooks()
    hooks.run([])
    await hooks.finish()
    assert asyncio.all_tasks() == {asyncio.current_task()}
