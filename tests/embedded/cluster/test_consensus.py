"""Elections and replication by simulation: thousands of faults, none of which may lose what was acknowledged."""

from __future__ import annotations

from random import Random

import pytest

from fastapi_esdb.embedded.cluster import leadership
from fastapi_esdb.embedded.store import work
from tests.embedded.cluster.simulation import NODES, World

ROUNDS = 12


@pytest.fixture(autouse=True)
def many_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is decided in slices and sent in sections is so in very many of them."""
    monkeypatch.setattr(work, "SLICE", 0.0)
    monkeypatch.setattr(leadership, "BATCH", 1500)


async def started(seed: int) -> World:
    world = World(seed)
    for number in range(NODES):
        await world.start(number)
    await world.until_whole()
    return world


async def check(world: World) -> None:
    """All nodes have the same log, with everything that was acknowledged, once, and nothing that was refused."""
    await world.until_whole()
    world.write_rate = 0
    await world.run(5)
    logs = [node.records() for node in world.nodes.values()]
    assert all(log == logs[0] for log in logs)
    ids = [record.id for record in logs[0]]
    assert len(ids) == len(set(ids))
    assert set(world.acknowledged) <= set(ids)
    assert not set(world.refused) & set(ids)
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


async def test_lost_nodes_need_each_other() -> None:
    """Of three nodes two are lost: the third gives them what it has, and nobody leads before all three are there."""
    world = await started(1)
    await world.run(1)
    await world.kill(0)
    await world.kill(1)
    await world.start(0)
    await world.run(10)
    assert all(node.consensus.leading is None for node in world.nodes.values())
    await world.start(1)
    await check(world)


async def test_a_thawed_leader_knows_its_place() -> None:
    """Before it has heard anything from anybody, it writes nothing more."""
    world = await started(2)
    leader = next(node for node in world.nodes.values() if node.consensus.leading)
    world.freeze(leader.number)
    await world.run(4)
    assert leader.consensus.leading
    assert not leader.consensus.may_write


async def test_a_leader_waits_for_its_first_record() -> None:
    """Until most nodes have the record that it begins with, it writes nothing, and nothing more is durable."""
    world = await started(3)
    world.write_rate = 0
    leader = next(node for node in world.nodes.values() if node.consensus.leading)
    [successor, other] = [node for node in world.nodes.values() if node is not leader]
    world.cut = {leader.number}
    while not successor.consensus.leading and not other.consensus.leading:
        await world.run(0.005)
    elected = successor if successor.consensus.leading else other
    assert not elected.consensus.may_write
    await world.run(0.2)
    assert elected.consensus.may_write


async def test_a_node_that_is_cut_off_disturbs_nobody() -> None:
    """It asks for votes all the time, and its return changes neither leader nor term."""
    world = await started(4)
    leader = next(node for node in world.nodes.values() if node.consensus.leading)
    term = leader.consensus.term
    world.cut = {(leader.number + 1) % NODES}
    await world.run(20)
    world.cut = set()
    await world.run(2)
    assert leader.consensus.may_write
    assert {node.consensus.term for node in world.nodes.values()} == {term}
