"""Many at once, and cancelled anywhere."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any

import pytest

from fastapi_esdb.errors import ConnectionClosed, EsdbError
from fastapi_esdb.pool.pool import ConnectionPool
from tests.support.pools import PATIENT, all_of, our_tasks, pool_on, settings_for
from tests.support.proxy import FaultProxy
from tests.support.scripted import COLLECT, FOLLOW, READ, TALK, ScriptedServer
from tests.support.waiting import PATIENCE, Stopwatch, until

MOST_SUSPENSIONS = 60


async def test_many_open_and_close_together(server: ScriptedServer) -> None:
    """In any order: no error, no state that the table does not know, and the last command counts."""
    chance = random.Random(7)
    pool = ConnectionPool(settings_for(server.port, pool_size=1))
    for _ in range(20):
        commands = [pool.open] * 10 + [pool.close] * 10
        chance.shuffle(commands)
        await asyncio.gather(*(command() for command in commands))
    await pool.open()
    assert await pool.call(READ, "hello") == "hello"
    await pool.close()
    assert not our_tasks()


async def test_many_open_together_make_one_attempt(server: ScriptedServer) -> None:
    """They share it."""
    async with FaultProxy(server.port) as proxy:
        pool = ConnectionPool(settings_for(proxy.port, pool_size=1))
        await asyncio.gather(*(pool.open() for _ in range(50)))
        assert proxy.connections == 1
        await asyncio.gather(*(pool.close() for _ in range(50)))


class CancelledAt:
    """Runs a coroutine and cancels the task at its n-th suspension."""

    def __init__(self, inner: Coroutine[Any, Any, object], at: int) -> None:
        self.reached = False
        self._inner = inner
        self._at = at

    def __await__(self) -> Generator[Any, Any, object]:
        raised: BaseException | None = None
        suspensions = 0
        while True:
            try:
                waited_for = self._inner.send(None) if raised is None else self._inner.throw(raised)
            except StopIteration as stop:
                return stop.value
            suspensions += 1
            if suspensions == self._at:
                self._cancel()
            try:
                raised = yield waited_for
            except BaseException as error:
                raised = error

    def _cancel(self) -> None:
        self.reached = True
        task = asyncio.current_task()
        assert task is not None
        task.cancel()


async def cancel_everywhere(make: Callable[[], Coroutine[Any, Any, object]], check: Callable[[], object]) -> int:
    """Run what `make` makes again and again, cancelled at each of its suspensions in turn; returns how many it has."""
    for at in range(1, MOST_SUSPENSIONS):
        run = CancelledAt(make(), at)

        async def awaited(run: CancelledAt = run) -> object:
            return await run

        task = asyncio.create_task(awaited())
        await asyncio.wait([task], timeout=PATIENCE)
        assert task.done(), "it hangs when it is cancelled"
        if not run.reached:
            await task
            return at - 1
        with suppress(asyncio.CancelledError):
            await task
        await until(check)
    raise AssertionError("it never ends")


async def a_call(pool: ConnectionPool) -> None:
    await pool.call(READ, "hello", PATIENT)


async def a_repeated_call(pool: ConnectionPool) -> None:
    await pool.call(READ, f"twice UNAVAILABLE Server Is Not Ready {random.random()}", PATIENT)


async def several_requests(pool: ConnectionPool) -> None:
    await pool.send(COLLECT, ["a", "b"], PATIENT)


async def a_stream(pool: ConnectionPool) -> None:
    async with pool.stream(FOLLOW, ["count 3"], PATIENT) as stream:
        assert await all_of(stream) == ["0", "1", "2"]


async def a_conversation(pool: ConnectionPool) -> None:
    async with pool.stream(TALK, ["one"], PATIENT) as stream:
        assert await stream.read() == ["one"]
        await stream.send("two")
        assert await stream.read() == ["two"]


async def other_settings(pool: ConnectionPool) -> None:
    await pool.reconfigure(pool.settings)


USES = [a_call, a_repeated_call, several_requests, a_stream, a_conversation, other_settings, ConnectionPool.reconnect]


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
async def test_cancelled_anywhere_a_call_leaves_nothing(
    server: ScriptedServer, use: Callable[[ConnectionPool], Coroutine[Any, Any, None]]
) -> None:
    """Its place is free again, the server has nothing to do, and the pool works."""
    async with pool_on(server.port, pool_size=1) as pool:

        def nothing_left() -> bool:
            return not pool.stats()["calls_in_flight"] and not sum(server.active.values())

        assert await cancel_everywhere(lambda: use(pool), nothing_left) > 0
        await pool.wait_connected(PATIENCE)
        assert await pool.call(READ, "hello", PATIENT) == "hello"
    assert not our_tasks()


async def test_cancelled_anywhere_opening_leaves_nothing(server: ScriptedServer) -> None:
    """The pool is closed again, as whoever wanted to open it will not close it."""
    pool = ConnectionPool(settings_for(server.port))

    async def opened() -> None:
        async with pool:
            pass

    await cancel_everywhere(opened, lambda: pool.is_closed and not our_tasks())


async def test_cancelled_anywhere_closing_goes_on(server: ScriptedServer) -> None:
    """What was begun is done all the same."""
    pool = ConnectionPool(settings_for(server.port))
    for at in range(1, 10):
        await pool.open()
        run = CancelledAt(pool.close(), at)
        task = asyncio.create_task(asyncio.wait_for(run, PATIENCE))
        await asyncio.wait([task])
        assert pool.is_closed
        await until(lambda: not our_tasks())


async def test_use_after_the_close(server: ScriptedServer) -> None:
    """A precise error, at once."""
    async with pool_on(server.port) as pool:
        await pool.close()
        async with Stopwatch() as watch:
            with pytest.raises(ConnectionClosed):
                await pool.call(READ, "hello")
        assert watch.seconds < 1


async def test_calls_while_others_open_and_close(server: ScriptedServer) -> None:
    """They get an answer or one of our errors, and nothing else."""
    pool = ConnectionPool(settings_for(server.port, pool_size=2))
    outcomes: set[str] = set()

    async def use() -> None:
        for number in range(50):
            try:
                assert await pool.call(READ, str(number), PATIENT) == str(number)
                outcomes.add("answered")
            except EsdbError as error:
                outcomes.add(type(error).__name__)
            await asyncio.sleep(0)

    async def toggle() -> None:
        for _ in range(10):
            await pool.open()
            await asyncio.sleep(0.02)
            await pool.close()

    await asyncio.gather(toggle(), *(use() for _ in range(20)))
    assert outcomes <= {"answered", "ConnectionClosed", "ClosedInFlight"}
    assert not our_tasks()
