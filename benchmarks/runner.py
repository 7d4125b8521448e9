"""The runs: every contender once in each round, in an order that goes round."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic

from benchmarks.cases import WARM_UP, Case, Kind, Server
from benchmarks.measurement import Measurement
from benchmarks.worker import encoded

LINE_LIMIT = 1 << 20
END_TIMEOUT = 30.0
Runs = dict[str, list[Measurement]]
"""The measurements of each contender, one a round."""


class Worker:
    """The process of one contender."""

    def __init__(self, name: str, process: Process) -> None:
        self._name = name
        self._process = process

    async def measure(self, case: Case, stream: str) -> Measurement | None:
        """`None` where the server does not have what the contender uses. Raises SystemExit when the process failed."""
        if not self._process.stdin or not self._process.stdout:
            raise SystemExit(f"{self._name} has no pipes")
        self._process.stdin.write(encoded(case, stream))
        line = await self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._name} failed in {case.name}")
        found = json.loads(line)
        return Measurement(**found) if found else None

    async def end(self) -> None:
        """It ends with its input; killed where it doesn't."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_TIMEOUT)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def started(name: str, target: str, loop: str = "asyncio") -> AsyncIterator[Worker]:
    """The worker of that contender, while it runs."""
    command = [sys.executable, "-m", "benchmarks.worker", name, target, loop]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=LINE_LIMIT)
    worker = Worker(name, process)
    try:
        yield worker
    finally:
        await worker.end()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured: how often, against which servers, and on which event loop.

    `streams` are what reads read, by their length.
    """

    targets: Mapping[Server, str]
    rounds: int
    streams: Mapping[int, str]
    loop: str = "asyncio"

    def worker_for(self, name: str, case: Case) -> tuple[str, str]:
        """The contender, and the server that it is connected to."""
        return name, self.targets[case.server]

    def stream_for(self, case: Case) -> str:
        """Where a case reads: what has no limit needs a stream of the right length."""
        if case.kind in (Kind.READ, Kind.SUBSCRIBE):
            return self.streams[case.operations]
        return self.streams[case.events if case.kind is Kind.SHORT else max(self.streams)]


Workers = dict[tuple[str, str], Worker]
"""By name, and by the server that they are connected to."""


async def run_all(plan: Plan, cases: Sequence[Case]) -> AsyncGenerator[tuple[Case, Runs]]:
    """The measurements of each case, as soon as they are made."""
    began, workers = monotonic(), Workers()
    async with AsyncExitStack() as stack:
        for number, case in enumerate(cases, 1):
            minutes, seconds = divmod(int(monotonic() - began), 60)
            say(f"{plan.loop}, case {number} of {len(cases)} after {minutes}:{seconds:02} minutes")
            for worker in {plan.worker_for(name, case) for name in case.contenders} - workers.keys():
                workers[worker] = await stack.enter_async_context(started(*worker, plan.loop))
            await _warm_up(plan, case, workers)
            yield case, await _run(plan, case, workers)


async def _warm_up(plan: Plan, case: Case, workers: Workers) -> None:
    """Imports, caches and connections are no part of what is measured."""
    say(f"warming up: {case.title}")
    small = replace(case, operations=min(WARM_UP, case.operations))
    for name in case.contenders:
        await workers[plan.worker_for(name, case)].measure(small, plan.stream_for(small))


async def _run(plan: Plan, case: Case, workers: Workers) -> Runs:
    runs: Runs = {name: [] for name in case.contenders}
    for number in range(plan.rounds):
        for name in rotated(case.contenders, number):
            if found := await workers[plan.worker_for(name, case)].measure(case, plan.stream_for(case)):
                runs[name].append(found)
                where = f"{case.title}, round {number + 1} of {plan.rounds}"
                say(f"{where}: {name} {found.cpu:.0f} µs CPU, {found.wall:.0f} µs wall")
    return runs


def rotated(names: Sequence[str], by: int) -> list[str]:
    """The names in an order that begins elsewhere in each round."""
    by %= len(names)
    return [*names[by:], *names[:by]]


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)
