"""Elections and replication by simulation: thousands of faults, none of which may lose what was acknowledged."""

from __future__ import annotations

from random import Random

import pytest

from tests.embedded.cluster.simulation import NODES, World

ROUNDS = 12


async def started(seed: int) -> World:
    world = World(seed)
    for number in range(NODES):
        await world.start(number)
    await world.until_whole()
    return world


async def check(world: World) -> None:
    """All nodes have the same log, with everything that was acknowledged, once."""
    await world.until_whole()
    world.write_rate = 0
    await world.run(1)
    logs = [node.records() for node in world.nodes.values()]
    assert all(log == logs[0] for log in logs)
    ids = [record.id for record in logs[0]]
    assert len(ids) == len(set(ids))
    assert set(world.acknowledged) <= set(ids)
    revisions = [record.revision for record in logs[0] if record.stream == "s-1"]
    assert revisions == list(range(len(revisions)))


async def kill(world: World, number: int, random: Random) -> None:
    await world.kill(number)
    await world.run(random.uniform(0.0, 2.0))
    await world.start(number)


async def freeze(world: World, number: int, random: Random) -> None:
    world.freeze(number)
    await world.run(random.uniform(0.0, 10.0))
    world.thaw(number)


async def cut(world: World, number: int, random: Random) -> None:
    world.cut = {number}
    await world.run(random.uniform(0.0, 10.0))
    world.cut = set()


async def resign(world: World, number: int, random: Random) -> None:
    world.resign()
    await world.run(random.uniform(0.0, 1.0))


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_acknowledged_is_lost(seed: int) -> None:
    """One node after the other dies, hangs, is cut off or resigns while clients write: all logs end the same."""
    world, random = await started(seed), Random(seed)
    for _ in range(ROUNDS):
        fault = random.choice([kill, freeze, cut, resign])
        await fault(world, random.randrange(NODES), random)
        await world.until_whole()
        await world.run(random.uniform(0.0, 1.0))
    await check(world)
    assert len(world.acknowledged) > 500
