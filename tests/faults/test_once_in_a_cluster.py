"""Every append happens once in a cluster, too, whose leaders are killed, frozen, cut off, or resign."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from fastapi_esdb import ANY, Connection, EsdbSettings, NewEvent, NodePreference, connect
from fastapi_esdb.embedded import EmbeddedCluster
from fastapi_esdb.settings.choices import AppendMode
from tests.faults.history import History
from tests.faults.writers import Writer
from tests.support.waiting import PATIENCE, until

DEADLINE = 4 * PATIENCE
"""Seconds: longer than any election on a busy machine."""


@pytest.fixture
async def cluster() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster() as running:
        yield running


def settings(
    cluster: EmbeddedCluster, mode: AppendMode = AppendMode.SHARED, preference: NodePreference = NodePreference.LEADER
) -> EsdbSettings:
    return EsdbSettings(
        connection_string=cluster.connection_string,
        wait=DEADLINE,
        deadline=DEADLINE,
        append_mode=mode,
        node_preference=preference,
    )


async def kill(cluster: EmbeddedCluster) -> None:
    leader = await cluster.wait_leader()
    await cluster.kill_node(leader)
    await cluster.wait_leader(other_than=leader)
    await cluster.start_node(leader)


async def freeze(cluster: EmbeddedCluster) -> None:
    leader = await cluster.wait_leader()
    await cluster.freeze_node(leader)
    await cluster.wait_leader(other_than=leader)
    await cluster.thaw_node(leader)


async def freeze_for_a_moment(cluster: EmbeddedCluster) -> None:
    """Too short for an election: the same run goes on, with all that arrived meanwhile."""
    leader = await cluster.wait_leader()
    await cluster.freeze_node(leader)
    await asyncio.sleep(0.5)
    await cluster.thaw_node(leader)


async def cut_off(cluster: EmbeddedCluster) -> None:
    leader = await cluster.wait_leader()
    await cluster.partition(leader)
    await cluster.wait_leader(other_than=leader)
    await cluster.heal()


async def resign(cluster: EmbeddedCluster) -> None:
    leader = await cluster.wait_leader()
    await cluster.resign()
    await cluster.wait_leader(other_than=leader)


FAULTS = [kill, freeze, freeze_for_a_moment, cut_off, resign]


class HotStream:
    """Writers that append to one stream until they are told to stop."""

    def __init__(self, esdb: Connection, history: History, writers: int) -> None:
        self._history = history
        self._is_over = False
        self._writers = [Writer(esdb, history, f"w-{n}", ["hot"], random.Random(n)) for n in range(writers)]

    async def write(self) -> None:
        await asyncio.gather(*(self._write(writer) for writer in self._writers))

    async def _write(self, writer: Writer) -> None:
        while not self._is_over:
            await writer.write(1, only=ANY)
            await asyncio.sleep(0.01)  # the nodes share their machine with others

    async def go_on(self) -> None:
        """Return when each writer has heard of some more appends."""
        goals = {name: len(ids) + 3 for name, ids in self._history.acknowledged.items()}
        await until(
            lambda: all(len(self._history.acknowledged[name]) >= goal for name, goal in goals.items()), DEADLINE
        )

    def stop(self) -> None:
        self._is_over = True


@pytest.mark.parametrize(
    ("mode", "kills"),
    [
        (AppendMode.SHARED, 1),
        *(pytest.param(mode, 10, marks=[pytest.mark.slow, pytest.mark.timeout(900)]) for mode in AppendMode),
    ],
)
async def test_a_hot_stream(cluster: EmbeddedCluster, mode: AppendMode, kills: int) -> None:
    """64 writers with `ANY`, while leaders are killed: nothing is lost or doubled, and no append raises."""
    history = History()
    async with connect(settings(cluster, mode)) as esdb:
        hot = HotStream(esdb, history, 64)
        writing = asyncio.create_task(hot.write())
        await until(lambda: len(history.acknowledged) == 64, DEADLINE)
        for _ in range(kills):
            await kill(cluster)
            await hot.go_on()
            await cluster.wait_joined()
        hot.stop()
        await writing
        await history.check(esdb)
    assert not history.unknown, [str(error) for error in history.unknown.values()]
    assert not history.refused


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(40))
async def test_a_schedule(cluster: EmbeddedCluster, seed: int) -> None:
    """Each expectation, one stream and several, in each mode and with each node preference, through three faults."""
    chance, history = random.Random(seed), History()
    mode, preference = list(AppendMode)[seed % 3], list(NodePreference)[seed % 4]
    writers, streams = [(1, 1), (4, 1), (4, 9), (64, 9)][seed // 3 % 4]
    names = [f"s-{number}" for number in range(streams)]
    async with connect(settings(cluster, mode, preference)) as esdb:
        for name in names:
            await esdb.append(name, NewEvent("Begun", {}))
        work = [Writer(esdb, history, f"w-{n}", names, random.Random(f"{seed}-{n}")) for n in range(writers)]
        is_over = False

        async def write(writer: Writer) -> None:
            while not is_over:
                await writer.write(1)
                await asyncio.sleep(0.01)

        writing = asyncio.gather(*(write(writer) for writer in work))
        for _ in range(3):
            await chance.choice(FAULTS)(cluster)
            await cluster.wait_joined()
        is_over = True
        await writing
        await history.check(esdb)
    assert history.told
    history.check_failures()
