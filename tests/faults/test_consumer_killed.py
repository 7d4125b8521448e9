"""Consumers whose connection, server or process is killed again and again."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest

from fastapi_esdb import START, Connection, NewEvent, connect
from fastapi_esdb.wire.groups.values import GroupSettings
from tests.faults.consumer_process import GROUP, STREAM
from tests.support.processes import ServerProcess, address, embedded, settings_for
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, until

EVENTS = 1_500
BUFFER = 10
SETTINGS = GroupSettings(message_timeout_ms=600_000, max_retry_count=1_000)
"""Nothing comes again only because the machine is busy, and nothing is parked."""

LONG = 2 * PATIENCE

often = pytest.mark.parametrize("kills", [5, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])


class Journal(logging.Handler):
    """What consumers did, in order: `handled 7`, `acked 7`, and `killed` when a call or a process had ended.

    As a handler of the log it hears when a call has.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.handled: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("the consumer of group"):
            self.lines.append("killed")

    def add(self, lines: Iterable[str]) -> None:
        """Write down what happened."""
        for line in lines:
            self.lines.append(line)
            if line.startswith("handled"):
                self.handled.add(int(line.split()[1]))

    async def reach(self, more: int) -> None:
        """Wait for so many more lines."""
        enough = len(self.lines) + more
        await until(lambda: len(self.lines) >= enough, LONG)

    def repeated(self) -> list[int]:
        """The events that came again though they were acknowledged, the excused ones aside.

        A kill excuses the last acks before it, as many as may be under way to one consumer.
        """
        acked: dict[int, None] = {}
        found = []
        for what, _, revision in (line.partition(" ") for line in self.lines):
            if what == "killed":
                acked = dict.fromkeys(list(acked)[:-BUFFER])
            elif what == "acked":
                acked.pop(int(revision), None)
                acked[int(revision)] = None
            elif int(revision) in acked:
                found.append(int(revision))
        return found


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """An embedded server in a process of its own, with its data on disk."""
    async with embedded("--data", str(tmp_path / "events.db")) as server:
        yield server


@pytest.fixture
async def esdb(server: ServerProcess) -> AsyncIterator[Connection]:
    """A connection to it, a stream with events, and a group that is to handle them."""
    async with connect(settings_for(server.port, wait=LONG, deadline=LONG)) as esdb:
        await esdb.append(STREAM, [NewEvent("Work", {"number": number}) for number in range(EVENTS)])
        await esdb.persistent_subscriptions.create(STREAM, GROUP, SETTINGS, start=START)
        yield esdb


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal, logger = Journal(), logging.getLogger("fastapi_esdb")
    logger.addHandler(journal)
    logger.setLevel(logging.INFO)
    yield journal
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(journal)


async def work(esdb: Connection, journal: Journal) -> None:
    """Handle what is left of the events, one after the other."""
    async with esdb.persistent_subscriptions.consume(STREAM, GROUP, buffer=BUFFER) as events:
        while len(journal.handled) < EVENTS:
            event = await anext(events)
            journal.add([f"handled {event.revision}"])
            await events.ack(event)
            journal.add([f"acked {event.revision}"])


async def test_connections_that_are_reset(server: ServerProcess, esdb: Connection, journal: Journal) -> None:
    """Every event is handled; an acknowledged one comes again only if its ack may have been under way."""
    chance, kills = random.Random(1), 50
    async with FaultProxy(server.port) as proxy, connect(settings_for(proxy.port, retry_interval=0.05)) as proxied:
        await proxied.wait_connected(LONG)
        working = asyncio.create_task(work(proxied, journal))
        for killed in range(kills):
            await journal.reach(chance.randrange(1, 30))
            await proxy.reset()
            await until(lambda killed=killed: journal.lines.count("killed") > killed)  # type: ignore[misc]  # as default
        await asyncio.wait_for(working, LONG)
    assert journal.repeated() == []


@often
async def test_servers_that_are_killed(server: ServerProcess, esdb: Connection, journal: Journal, kills: int) -> None:
    """Every event is handled: the consumer goes on each time, and a server knows what was written down."""
    chance = random.Random(2)
    working = asyncio.create_task(work(esdb, journal))
    for _ in range(kills):
        await journal.reach(chance.randrange(1, 30))
        await server.kill()
        await server.start()
    await asyncio.wait_for(working, LONG)


def lines_of(log: Path) -> list[str]:
    """A line that was broken off is none."""
    return log.read_text().split("\n")[:-1] if log.exists() else []


async def lines_of_a_process(server: ServerProcess, log: Path, count: int) -> list[str]:
    """What a consumer process has written when it is killed, after so many lines."""
    arguments = ["--target", address(server.port), "--log", str(log), "--buffer", str(BUFFER)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.faults.consumer_process", *arguments)
    try:
        await until(lambda: len(lines_of(log)) >= count, LONG)
    finally:
        process.kill()
        await process.wait()
    return lines_of(log)


@often
async def test_processes_that_are_killed(server: ServerProcess, esdb: Connection, tmp_path: Path, kills: int) -> None:
    """The next one does what was left, and nothing of what was acknowledged, the last acks aside."""
    chance, journal = random.Random(3), Journal()
    for number in range(kills):
        lines = await lines_of_a_process(server, tmp_path / f"{number}.log", chance.randrange(1, 30))
        journal.add([*lines, "killed"])
    await asyncio.wait_for(work(esdb, journal), LONG)
    assert journal.repeated() == []
