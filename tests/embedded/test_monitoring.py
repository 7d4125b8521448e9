"""The Monitoring service, and what it tells of the process."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from fastapi_esdb.embedded import statistics as module
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.statistics import FRESH_FOR, Statistics
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.admin.monitoring import STATS, StatsRequest
from fastapi_esdb.wire.proto.v1 import monitoring_pb2 as pb
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.secure import secured
from tests.embedded.store.support import events
from tests.support.bare_client import BareClient, OpenCall, connected

STORE = {"es-checksum", "es-records", "es-streams"}


async def opened(client: BareClient, request: StatsRequest) -> OpenCall[StatsRequest, Mapping[str, str]]:
    call = client.open(STATS)
    await call.send(request)
    await call.done_sending()
    return call


async def test_statistics_come_at_once_and_then_each_period(client: BareClient) -> None:
    """Without an end, until the client goes; all of them are texts."""
    call = await opened(client, StatsRequest(period_ms=1))
    several = await call.take(3)
    call.cancel()
    for statistics in several:
        assert set(statistics) >= STORE
        assert all(statistics.values())


async def test_a_long_period(client: BareClient) -> None:
    """The first answer does not wait for it, the second one does."""
    call = await opened(client, StatsRequest(period_ms=3_600_000, use_metadata=True))
    await call.take(1)
    waiting = asyncio.ensure_future(anext(call))
    await client.write("a")
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_a_period_of_nothing(client: BareClient) -> None:
    """Other calls have their turn."""
    call = client.open(STATS)
    await call.raw.write(pb.StatsReq().SerializeToString())
    await call.done_sending()
    await call.take(3)
    assert (await client.write("a")).revision == 0
    call.cancel()


async def test_anybody_may_ask() -> None:
    """As on a real server, whose load balancers have no password."""
    async with secured() as client:
        assert await (await opened(client, StatsRequest())).take(1)


async def test_the_log(server: EmbeddedServer, client: BareClient) -> None:
    """What is written is counted."""
    await client.write("a", 3)
    async with connected(server.address) as other:
        call = await opened(other, StatsRequest(period_ms=10))
        for _ in range(1000):
            [statistics] = await call.take(1)
            if statistics["es-records"] == "3":
                break
        assert statistics["es-streams"] == "1"
        assert int(statistics["es-checksum"]) > 300


class Seconds:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_numbers_are_taken_once_a_second() -> None:
    """In between everybody gets the same ones."""
    clock = Seconds()
    async with Database() as database:
        statistics = Statistics(database, now=clock)
        await database.append("a", ANY, events(2))
        clock.now += FRESH_FOR / 2
        assert statistics.latest()["es-records"] == "0"
        clock.now += FRESH_FOR / 2
        assert statistics.latest()["es-records"] == "2"


async def test_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told in percent of one processor, since the numbers were taken last."""
    clock, work = Seconds(), iter([1.0, 2.0, 2.5])
    monkeypatch.setattr(module, "cpu_seconds", lambda: next(work))
    async with Database() as database:
        statistics = Statistics(database, now=clock)
        assert statistics.latest()["proc-cpu"] == "0.0"
        clock.now += 4
        assert statistics.latest()["proc-cpu"] == "25.0"
        clock.now += 1
        assert statistics.latest()["proc-cpu"] == "50.0"


def test_the_process() -> None:
    """Itself, its memory and threads, and what it reads and writes."""
    values = module.process()
    assert values["proc-id"] == os.getpid()
    assert 2**20 < values["proc-mem"] < 2**40
    assert values["proc-threadsCount"] >= 1
    before = values["proc-diskIo-readBytes"]
    Path(__file__).read_bytes()
    assert module.process()["proc-diskIo-readBytes"] >= before + Path(__file__).stat().st_size


def test_garbage() -> None:
    """How often the collector ran, for each generation."""
    before = module.garbage()
    gc.collect()
    after = module.garbage()
    assert list(before) == ["proc-gc-gen0ItemsCount", "proc-gc-gen1ItemsCount", "proc-gc-gen2ItemsCount"]
    assert after["proc-gc-gen2ItemsCount"] > before["proc-gc-gen2ItemsCount"]


def test_the_machine(tmp_path: Path) -> None:
    """Its memory, load and disk."""
    machine, drive = module.machine(), module.drive(str(tmp_path))
    assert 0 < machine["sys-freeMem"] < machine["sys-totalMem"]
    assert {"sys-loadavg-1m", "sys-loadavg-5m", "sys-loadavg-15m"} <= set(machine)
    assert 0 < drive[f"sys-drive-{tmp_path}-availableBytes"] < drive[f"sys-drive-{tmp_path}-totalBytes"]


def test_what_a_system_does_not_tell() -> None:
    """Is left out."""
    assert module._table("/nowhere/status") == {}
