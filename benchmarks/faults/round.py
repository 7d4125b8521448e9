"""One cluster, the clients under load, and several faults of a kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from time import monotonic

from benchmarks.faults import load
from benchmarks.faults.audit import Audit, Log, audit, is_delivered
from benchmarks.faults.client_process import ClientProcess
from benchmarks.faults.gaps import gap_of_a_writer, gap_of_all
from benchmarks.faults.kinds import Fault
from benchmarks.faults.pulse import Pulse
from benchmarks.faults.results import Cost, FaultResult
from fastapi_esdb import START, Connection, EsdbSettings, StreamNotFound, connect, filters
from fastapi_esdb.embedded import EmbeddedCluster

BEGIN = 60.0
"""Seconds until all clients are under way."""

BACK = 30.0
"""Seconds that a client has to go on after a fault. One that does not is made anew: it ends the round."""

REST = 1.0
"""Seconds between two faults."""

DRAIN = 20.0
"""Seconds that the last events have to reach those who follow."""

Tell = Callable[[FaultResult], None]


class Round:
    """The clients, side by side at one cluster.

    `tell` is called after each fault, and `audits` are there after `run`.
    """

    def __init__(self, clients: Sequence[str], tell: Tell, *, is_loud: bool = False) -> None:
        self.audits: dict[str, Audit] = {}
        self._names = clients
        self._tell = tell
        self._is_loud = is_loud

    async def run(self, kind: str, fault: Fault, count: int) -> int:
        """Make so many faults; returns how many there were, which is fewer where a client did not come back."""
        async with AsyncExitStack() as stack:
            cluster = await stack.enter_async_context(EmbeddedCluster())
            settings = EsdbSettings(connection_string=cluster.connection_string, wait=BACK, deadline=BACK)
            esdb = await stack.enter_async_context(connect(settings))
            clients = [await self._begin(stack, esdb, name, cluster.connection_string) for name in self._names]
            for client in clients:
                if not await client.until(lambda journal: journal.is_under_way, BEGIN):
                    raise RuntimeError(f"{client.name} is not under way after {BEGIN:.0f} s")
            made = 0
            while made < count:
                made += 1
                if not await self._make(cluster, clients, kind, fault):
                    break
            await self._finish(esdb, clients)
        return made

    async def _begin(self, stack: AsyncExitStack, esdb: Connection, name: str, target: str) -> ClientProcess:
        await esdb.persistent_subscriptions.create(load.consumed(name), load.GROUP, start=START)
        return await stack.enter_async_context(ClientProcess(name, target, is_loud=self._is_loud))

    async def _make(self, cluster: EmbeddedCluster, clients: list[ClientProcess], kind: str, fault: Fault) -> bool:
        """One fault; whether all clients are back after it."""
        began = monotonic()
        async with Pulse() as pulse:
            elections = await fault(cluster)
            over = monotonic()
            are_back = await asyncio.gather(
                *(client.until(lambda journal: journal.is_back(over), BACK) for client in clients)
            )
            await asyncio.sleep(REST)
        end = monotonic()
        costs = {
            client.name: _cost(client, began, end, is_back=is_back)
            for client, is_back in zip(clients, are_back, strict=True)
        }
        self._tell(FaultResult(kind, elections, pulse.longest_stall, costs))
        return all(are_back)

    async def _finish(self, esdb: Connection, clients: list[ClientProcess]) -> None:
        """End the load and see what came of it."""
        for client in clients:
            client.stop_writing()
        for client in clients:
            await client.until(lambda journal: journal.has_stopped, load.CUT)
        for client in clients:
            log = await read_log(esdb, client.name)
            await client.until(lambda journal: is_delivered(client.name, journal, log), DRAIN)  # noqa: B023
            self.audits[client.name] = audit(client.name, client.journal, log)


def _cost(client: ClientProcess, began: float, end: float, *, is_back: bool) -> Cost:
    errors = client.journal.failures(began, end)
    return Cost(
        failed=errors.total(),
        gap=gap_of_a_writer(client.journal, began, end),
        gap_of_all=gap_of_all(client.journal, began, end),
        is_back=is_back,
        errors=dict(errors),
    )


async def read_log(esdb: Connection, client: str) -> Log:
    """What the leader holds of a client's events."""
    streams = {stream: await _read_stream(esdb, stream) for stream in load.streams(client)}
    chosen = esdb.read_all(filter=filters.by_stream(load.prefix(client)), requires_leader=True)
    return Log(streams, [str(event.id) async for event in chosen])


async def _read_stream(esdb: Connection, stream: str) -> list[str]:
    try:
        return [str(event.id) async for event in esdb.read(stream, requires_leader=True)]
    except StreamNotFound:
        return []
