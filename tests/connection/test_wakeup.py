"""Waiting for a change."""

import asyncio

import pytest

from fastapi_esdb.connection.wakeup import Wakeup


async def test_a_waiter_sees_the_change() -> None:
    """It looks again after each wake-up, and returns when it is so."""
    changes, state = Wakeup(), list[str]()
    waiting = asyncio.create_task(changes.wait_until(lambda: len(state) == 2))
    for _ in range(2):
        await asyncio.sleep(0)
        assert not waiting.done()
        state.append("change")
        changes.wake()
    assert await waiting


async def test_what_is_so_already_is_not_waited_for() -> None:
    """No wake-up is needed for what has happened before."""
    assert await Wakeup().wait_until(lambda: True, timeout=0)


async def test_time_runs_out() -> None:
    """Without a change it ends after the time given, and says so."""
    assert not await Wakeup().wait_until(lambda: False, timeout=0.01)


async def test_a_cancelled_waiter_disturbs_nobody() -> None:
    """It can be cancelled at the moment it is woken, and the others are woken all the same."""
    changes, state = Wakeup(), list[str]()
    first, second = (asyncio.create_task(changes.wait_until(lambda: bool(state))) for _ in range(2))
    await asyncio.sleep(0)
    state.append("change")
    first.cancel()
    changes.wake()
    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
