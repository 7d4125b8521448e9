"""A server that is not there: refused at once, tried for at a steady pace, at little cost."""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from fastapi_esdb import Connection, ConnectionClosed, NewEvent, connect
from tests.support.processes import free_port, settings_for
from tests.support.resources import memory

pytestmark = pytest.mark.alone

ATTEMPTS_PER_SECOND = 2.2
"""With the default interval of 500 ms, by all connections together, since they go to the same host."""


class Absence:
    """A port behind which everything hangs up: no server, and a count of who asks for one."""

    def __init__(self) -> None:
        self.knocks = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Absence:
        self._server = await asyncio.start_server(self._hang_up, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _hang_up(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks += 1
        writer.transport.abort()


@pytest.fixture
async def esdb() -> AsyncIterator[Connection]:
    """A connection to a port where nobody listens."""
    async with connect(settings_for(free_port())) as esdb:
        yield esdb


async def refusal(esdb: Connection) -> float:
    """The seconds that a call took to be refused."""
    began = monotonic()
    with pytest.raises(ConnectionClosed):
        await esdb.append("s", NewEvent("Never", {}))
    return monotonic() - began


async def test_calls_are_refused_at_once(esdb: Connection) -> None:
    """Within 5 ms, and the error says what hinders the connection."""
    assert statistics.median([await refusal(esdb) for _ in range(200)]) < 0.005
    with pytest.raises(ConnectionClosed) as caught:
        await esdb.read("s").to_list()
    assert "could not be reached" in str(caught.value.__cause__)


async def waits(esdb: Connection, seconds: float) -> None:
    """A call that is set to wait for a connection does so, and no longer."""
    took = await refusal(esdb)
    assert seconds - 0.1 <= took <= seconds + 2


@pytest.mark.parametrize("seconds", [6.0, pytest.param(60.0, marks=[pytest.mark.slow, pytest.mark.timeout(180)])])
async def test_waiting_costs_little(seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    """Twenty calls wait: two attempts a second, hardly any CPU, one warning each ten seconds, no growth."""
    caplog.set_level(logging.WARNING, "fastapi_esdb")
    async with Absence() as absence, connect(settings_for(absence.port, wait=seconds, deadline=2 * seconds)) as esdb:
        before, knocks = memory(), absence.knocks
        cpu = time.process_time()  # from here on: `memory` collects the garbage of the whole suite
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(waits(esdb, seconds))
        assert 1 <= absence.knocks - knocks <= ATTEMPTS_PER_SECOND * (seconds + 1)
        assert time.process_time() - cpu < 0.05 * seconds
        assert memory() - before < 4
    assert 1 <= len(caplog.records) <= 1 + seconds / 10
