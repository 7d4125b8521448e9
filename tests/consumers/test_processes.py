"""One process of all handles the events, whatever becomes of the others: real processes, killed and frozen."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from fastapi_esdb import START, Connection, NewEvent
from fastapi_esdb.consumers.lease import GRACE, GROUP, SETTINGS
from fastapi_esdb.embedded.server import EmbeddedServer
from tests.consumers.worker_process import NAME, OUT, STREAM
from tests.support.processes import Running, python
from tests.support.waiting import PATIENCE, answered, until

PENDING = 30.0
FROZEN_FOR = 20.0
"""Seconds after which the server drops one that does not answer; one that is killed has been dropped long before."""


class Handled(NamedTuple):
    """The handling of an event, from and to a moment; `ended` is `None` where the process was killed meanwhile."""

    pid: int
    revision: int
    began: float
    ended: float | None


class Workers:
    """Workers that all log to one file."""

    def __init__(self, server: EmbeddedServer, connection: Connection, log: Path, stack: AsyncExitStack) -> None:
        self._server = server
        self._connection = connection
        self._log = log
        self._stack = stack

    async def start(self, seconds: float = 0.005, grace: float = GRACE) -> Running:
        """Start a worker that takes so long for an event, and waits so long when it takes over."""
        target = ["--target", self._server.connection_string, "--log", str(self._log)]
        times = ["--seconds", str(seconds), "--grace", str(grace)]
        return await self._stack.enter_async_context(python("-m", "tests.consumers.worker_process", *target, *times))

    async def two(self, seconds: float = 0.005, grace: float = GRACE) -> tuple[Running, Running]:
        """Start one that takes so long for an event, and one that stands by."""
        holder = await self.start(seconds, grace)
        await holder.until("running")
        other = await self.start(grace=grace)
        await other.until("standby")
        return holder, other

    async def add(self, count: int) -> None:
        await self._connection.append(STREAM, [NewEvent("N", {}) for _ in range(count)])

    async def done(self, count: int) -> list[int]:
        """Return which events were done, once there are so many."""

        async def outputs() -> list[int]:
            found = await self._connection.read(OUT, missing_ok=True).to_list()
            return [event.json()["of"] for event in found]

        return await answered(outputs, lambda found: len(found) >= count)

    async def drop_lease(self) -> None:
        """Have the server drop the holder of the lease, as it does by itself some time after that has frozen."""
        await self._connection.persistent_subscriptions.update(f"esdb_commands-{NAME}", GROUP, SETTINGS, start=START)

    def log(self) -> list[Handled]:
        """Return what the workers have handled, in order."""
        open_ones: dict[int, tuple[int, float]] = {}
        found = []
        for line in self._log.read_text().splitlines():
            pid, what, revision, at = line.split()
            if what == "begin":
                open_ones[int(pid)] = (int(revision), float(at))
            else:
                number, began = open_ones.pop(int(pid))
                found.append(Handled(int(pid), number, began, float(at)))
        found += [Handled(pid, revision, began, None) for pid, (revision, began) in open_ones.items()]
        return sorted(found, key=lambda handled: handled.began)


@pytest.fixture
async def workers(esdb_server: EmbeddedServer, esdb_connection: Connection, tmp_path: Path) -> AsyncIterator[Workers]:
    async with AsyncExitStack() as stack:
        yield Workers(esdb_server, esdb_connection, tmp_path / "log", stack)


def overlapping(handled: list[Handled]) -> list[Handled]:
    """Return what began before the one before, of another process that lives, had ended."""
    pairs = itertools.pairwise(handled)
    return [second for first, second in pairs if first.pid != second.pid and first.ended and second.began < first.ended]


async def test_another_process_takes_over_from_one_that_is_killed(workers: Workers) -> None:
    """Within seconds; every event is done once, and no two processes have handled at the same time."""
    holder, _ = await workers.two()
    await workers.add(50)
    await workers.done(10)
    killed = time.monotonic()
    await holder.ended(signal.SIGKILL)
    done = await workers.done(50)
    assert done == list(range(50))
    log = workers.log()
    [taken_over] = [second for first, second in itertools.pairwise(log) if first.pid != second.pid]
    assert taken_over.began - killed < FROZEN_FOR
    assert not overlapping(log)
    assert all(count <= 2 for count in Counter(handled.revision for handled in log).values())


async def test_a_process_that_ends_hands_over_at_once(workers: Workers) -> None:
    """It says that it is done, so that nobody has to wait whether it goes on."""
    holder, other = await workers.two(grace=2 * PATIENCE)
    await workers.add(5)
    await workers.done(5)
    await holder.ended(signal.SIGINT)
    await other.until("running")
    await workers.add(5)
    assert await workers.done(10) == list(range(10))


async def test_a_process_that_was_frozen_between_events_handles_none_any_more(workers: Workers) -> None:
    """When it goes on another one has taken over, and it finds that out before it handles anything."""
    holder, other = await workers.two()
    await workers.add(5)
    await workers.done(5)
    holder.process.send_signal(signal.SIGSTOP)
    await workers.drop_lease()
    await other.until("running")
    await workers.add(100)
    thawed = await _thawed_amid(workers, holder)
    assert await workers.done(105) == list(range(105))
    await holder.until("standby")
    assert not [handled for handled in workers.log() if handled.pid == holder.process.pid and handled.began > thawed]


async def _thawed_amid(workers: Workers, holder: Running) -> float:
    await workers.done(20)
    thawed = time.monotonic()
    holder.process.send_signal(signal.SIGCONT)
    return thawed


async def test_what_a_process_was_at_when_it_froze_is_not_written_twice(workers: Workers) -> None:
    """Its handler ends when it goes on, and what that returns is refused."""
    holder, other = await workers.two(seconds=2.0)
    await workers.add(3)
    await until(lambda: any(handled.revision == 1 for handled in workers.log()))
    holder.process.send_signal(signal.SIGSTOP)
    await workers.drop_lease()
    await other.until("running")
    await workers.done(2)
    holder.process.send_signal(signal.SIGCONT)
    await holder.until("standby")
    assert await workers.done(3) == [0, 1, 2]
    await asyncio.sleep(0)
    assert [handled.revision for handled in workers.log() if handled.pid == holder.process.pid] == [0, 1]


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_frozen_process_loses_the_lease_by_itself(workers: Workers) -> None:
    """The server hears nothing from it for 20 s (its keepalive), and lets another process in."""
    holder, other = await workers.two()
    await workers.add(5)
    await workers.done(5)
    holder.process.send_signal(signal.SIGSTOP)
    async with asyncio.timeout(60):
        while "running" not in other.printed:
            other.printed += await other.line()
    await workers.add(100)
    thawed = await _thawed_amid(workers, holder)
    assert await workers.done(105) == list(range(105))
    assert not [handled for handled in workers.log() if handled.pid == holder.process.pid and handled.began > thawed]


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nothing_is_lost_or_done_twice_over_many_kills(workers: Workers) -> None:
    """Of whichever process handles the events, again and again: each has its outcome once, in order."""
    kills, events = 20, 10
    holder, other = await workers.two()
    for number in range(kills):
        await workers.add(events)
        await workers.done(number * events + events // 2)
        await holder.ended(signal.SIGKILL)
        holder, other = other, await workers.start()
    done = await workers.done(kills * events)
    assert done == list(range(kills * events))
    assert not overlapping(workers.log())
