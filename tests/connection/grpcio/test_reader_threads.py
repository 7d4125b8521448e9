"""Threads that are started when they are needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.connection.grpcio.reader_threads import Workers
from tests.support.transports import OVER_GRPCIO

pytestmark = OVER_GRPCIO


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers()
    yield made
    await made.close()


async def done(workers: Workers, count: int = 1) -> set[str | int]:
    """Have so many jobs done at a time; the threads that did them."""
    meeting = threading.Barrier(count)
    threads: set[str | int] = set()
    finished = [asyncio.get_running_loop().create_future() for _ in range(count)]

    def work() -> None:
        meeting.wait(20)
        threads.add(threading.get_ident())

    for future in finished:
        workers.run(work, lambda future=future: future.set_result(None))  # type: ignore[misc]  # binds this one
    await asyncio.gather(*finished)
    return threads


def running() -> int:
    return sum(thread.name == "esdb-reader" for thread in threading.enumerate())


async def test_jobs_that_come_one_after_the_other_share_a_thread(workers: Workers) -> None:
    """It waits for the next one."""
    threads = {thread for _ in range(20) for thread in await done(workers)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_jobs_that_come_together_run_together(workers: Workers) -> None:
    """Each in a thread of its own."""
    assert len(await done(workers, 5)) == 5
    assert running() == 5


async def test_closing_leaves_no_thread(workers: Workers) -> None:
    """What was begun is finished before."""
    await done(workers, 3)
    began, go_on, finished = threading.Event(), threading.Event(), []

    def work() -> None:
        began.set()
        go_on.wait(20)

    workers.run(work, lambda: finished.append(True))
    await asyncio.to_thread(began.wait, 20)
    closing = asyncio.create_task(workers.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    go_on.set()
    await closing
    assert finished
    assert running() == 0


@pytest.mark.parametrize("count", [1, 3])
async def test_what_follows_from_a_job_while_closing(workers: Workers, count: int) -> None:
    """Is done before, too, and neither that nor the threads are waited for in vain."""
    began, go_on, finished = threading.Barrier(count + 1), threading.Event(), []

    def work() -> None:
        began.wait(20)
        go_on.wait(20)

    for _ in range(count):
        workers.run(work, lambda: workers.run(lambda: None, lambda: finished.append(True)))
    await asyncio.to_thread(began.wait, 20)
    closing = asyncio.create_task(workers.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert len(finished) == count
    assert running() == 0


def test_a_loop_that_is_closed_ends_them() -> None:
    """There is nobody left to work for."""
    began, go_on = threading.Event(), threading.Event()

    async def leave() -> None:
        def work() -> None:
            began.set()
            go_on.wait(20)

        Workers().run(work, lambda: None)
        await asyncio.to_thread(began.wait, 20)

    asyncio.run(leave())
    left = [thread for thread in threading.enumerate() if thread.name == "esdb-reader"]
    go_on.set()
    for thread in left:
        thread.join(20)
    assert running() == 0
