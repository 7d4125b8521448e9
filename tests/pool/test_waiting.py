"""Calls in the queue."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from fastapi_esdb.connection.channel import Lease
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.pool.waiting import WaitingCalls
from tests.support.waiting import PATIENCE


class Place:
    """Stands in for a place on a connection."""

    def __init__(self) -> None:
        self.released = 0

    def release(self) -> None:
        self.released += 1


def place() -> Lease:
    return cast("Lease", Place())


def released(lease: Lease | None) -> int:
    return cast("Place", lease).released


async def queued(queue: WaitingCalls, count: int, seconds: float = 60) -> list[asyncio.Task[Lease | None]]:
    tasks = [asyncio.create_task(queue.wait(Deadline.after(seconds))) for _ in range(count)]
    await asyncio.sleep(0)
    assert len(queue.waiters) == count
    return tasks


async def test_first_come_first_served() -> None:
    """Places go out in the order of arrival, as long as there are any."""
    queue = WaitingCalls()
    first, second, third = await queued(queue, 3)
    places = [place(), place()]
    offered = iter([*places, None])
    queue.serve(lambda: next(offered))
    assert [await first, await second] == places
    assert len(queue.waiters) == 1
    third.cancel()


async def test_nothing_is_taken_for_an_empty_queue() -> None:
    """A place that nobody waits for stays where it is."""
    taken: list[Lease] = []
    WaitingCalls().serve(lambda: taken.append(place()))
    assert not taken


async def test_the_wait_ends_in_time() -> None:
    """A call that waits too long leaves the queue."""
    queue = WaitingCalls()
    with pytest.raises(TimeoutError):
        await queue.wait(Deadline.after(0.01))
    assert len(queue.waiters) == 0


async def test_all_can_be_told_to_look_again() -> None:
    """They get nothing, and the queue is empty."""
    queue = WaitingCalls()
    tasks = await queued(queue, 3)
    queue.wake_all()
    assert [await task for task in tasks] == [None] * 3
    assert len(queue.waiters) == 0


async def test_a_cancelled_call_is_passed_over() -> None:
    """Its turn goes to the next one, also before it has noticed."""
    queue = WaitingCalls()
    first, second = await queued(queue, 2)
    first.cancel()
    offered = iter([place(), None])
    queue.serve(lambda: next(offered))
    given = [await asyncio.wait_for(second, PATIENCE), *await asyncio.gather(first, return_exceptions=True)]
    assert isinstance(given[1], asyncio.CancelledError)
    assert released(cast("Lease", given[0])) == 0


async def test_a_place_handed_to_a_call_that_is_cancelled_comes_back() -> None:
    """Cancelled at the very moment it got its place, a call gives it back."""
    queue = WaitingCalls()
    (task,) = await queued(queue, 1)
    given = place()
    offered = iter([given, None])
    queue.serve(lambda: next(offered))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert released(given) == 1
