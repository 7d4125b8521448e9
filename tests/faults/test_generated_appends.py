"""Many callers, random appends and faults, in each mode: what is acknowledged is stored, and nothing is twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from uuid import UUID

import pytest

from fastapi_esdb import AppendOutcomeUnknown, Connection, NewEvent, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.wire.errors import EsdbError, Outcome, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from tests.support.processes import settings_for
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, until

CALLERS, APPENDS, STREAMS = 16, 25, 8


class Ledger:
    """What the callers were told of each event."""

    def __init__(self) -> None:
        self.acknowledged: dict[UUID, tuple[str, int]] = {}
        self.refused: set[UUID] = set()
        self.ends: Counter[str] = Counter()

    def done(self, stream: str, events: list[NewEvent], last: int) -> None:
        for number, event in enumerate(events, last + 1 - len(events)):
            self.acknowledged[event.id] = (stream, number)

    def failed(self, events: list[NewEvent], error: EsdbError) -> None:
        self.ends[type(error).__name__] += 1
        if error.outcome is not Outcome.UNKNOWN:
            self.refused.update(event.id for event in events)


class Caller:
    """Appends what chance says, and gives up some of it."""

    def __init__(self, esdb: Connection, ledger: Ledger, chance: random.Random) -> None:
        self._esdb = esdb
        self._ledger = ledger
        self._chance = chance

    async def run(self) -> None:
        for _ in range(APPENDS):
            await self._append_one()

    async def _append_one(self) -> None:
        chance = self._chance
        stream = f"s-{chance.randrange(STREAMS)}"
        events = [NewEvent("T", b"x" * chance.choice((1, 250, 5_000, 700_000))) for _ in range(chance.randint(1, 3))]
        expected: Expected = chance.choice((ANY, ANY, NO_STREAM, STREAM_EXISTS, chance.randrange(40)))
        work = asyncio.create_task(self._esdb.append(stream, events, expected, timeout=chance.choice((0.05, 2.0))))
        if chance.random() < 0.1:
            asyncio.get_running_loop().call_later(chance.random() / 50, work.cancel)
        try:
            self._ledger.done(stream, events, (await work).revision or 0)
        except EsdbError as error:
            self._ledger.failed(events, error)
        except asyncio.CancelledError:
            self._ledger.ends["cancelled"] += 1


async def make_trouble(proxy: FaultProxy, chance: random.Random, ledger: Ledger) -> None:
    """Cut and slow down the connections, again and again, from the first acknowledged append on."""
    await until(lambda: ledger.acknowledged)
    while True:
        await asyncio.sleep(chance.random() / 4)
        chance.choice((lambda: proxy.delay(0.02), proxy.mute))()
        await asyncio.sleep(chance.random() / 4)
        proxy.heal()
        await proxy.reset()


@pytest.mark.parametrize("mode", AppendMode)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
async def test_what_callers_hear_is_what_is_stored(esdb_server: EmbeddedServer, mode: AppendMode, seed: int) -> None:
    """Acknowledged events are there, once, where they were said to be; those refused are not; the rest may be."""
    chance, ledger = random.Random(seed), Ledger()
    async with (
        FaultProxy(esdb_server.port) as proxy,
        connect(settings_for(proxy.port, append_mode=mode, wait=PATIENCE)) as esdb,
    ):
        trouble = asyncio.create_task(make_trouble(proxy, chance, ledger))
        callers = [Caller(esdb, ledger, random.Random(f"{seed}-{number}")) for number in range(CALLERS)]
        await asyncio.gather(*(caller.run() for caller in callers))
        trouble.cancel()
        with suppress(asyncio.CancelledError):
            await trouble
    async with connect(esdb_server.connection_string) as beside:
        await beside.wait_connected(PATIENCE)
        stored = [(event.id, event.stream, event.revision) async for event in beside.read_all() if event.type == "T"]
    assert ledger.acknowledged.items() <= {id_: (stream, revision) for id_, stream, revision in stored}.items()
    assert max(Counter(id_ for id_, _, _ in stored).values()) == 1
    assert not ledger.refused & {id_ for id_, _, _ in stored}
    assert ledger.ends[WrongExpectedRevision.__name__]
    assert ledger.ends[AppendOutcomeUnknown.__name__]
    assert ledger.acknowledged
