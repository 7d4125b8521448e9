"""States that are kept between loads."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from fastapi_esdb import Connection, RecordedEvent, StateCache, StreamDeleted, StreamMetadata
from fastapi_esdb.errors import InvalidArgument
from tests.api.deciders.accounts import Account, AccountDecider, MutableAccount, put, take


class Counting(AccountDecider):
    """Tells which events it was given."""

    def __init__(self, size: int = 10) -> None:
        self.cache = StateCache(size)
        self.given: list[int] = []

    def evolve(self, state: Account, event: RecordedEvent) -> Account:  # type: ignore[override]  # it is no static one
        self.given.append(event.revision)
        return AccountDecider.evolve(state, event)

    def taken(self) -> list[int]:
        """Return them, and begin anew."""
        given, self.given = self.given, []
        return given


async def test_only_what_is_new_is_evolved_by(esdb: Connection) -> None:
    """The state is the same as if all was."""
    decider = Counting()
    await esdb.append("s", [put(1), put(2)])
    assert (await esdb.load("s", decider)).state == Account(3, (0, 1))
    assert decider.taken() == [0, 1]
    assert (await esdb.load("s", decider)).state == Account(3, (0, 1))
    assert decider.taken() == []
    await esdb.append("s", put(3))
    loaded = await esdb.load("s", decider)
    assert (loaded.state, loaded.revision, decider.taken()) == (Account(6, (0, 1, 2)), 2, [2])
    decided = await esdb.decide("s", decider, take, 4)
    assert (decided.state, decider.taken()) == (Account(2, (0, 1, 2, 3)), [3])
    assert (await esdb.load("s", decider)).state == decided.state
    decider.cache.clear()
    decider.taken()
    await esdb.load("s", decider)
    assert decider.taken() == [0, 1, 2, 3]


async def test_the_past_is_not_kept(esdb: Connection) -> None:
    """Nor is it taken from what is kept."""
    decider = Counting()
    await esdb.append("s", [put(1), put(2)])
    await esdb.load("s", decider)
    assert (await esdb.load("s", decider, at_revision=0)).state == Account(1, (0,))
    assert (await esdb.load("s", decider)).state == Account(3, (0, 1))


async def test_streams_that_are_deleted(esdb: Connection) -> None:
    """What was kept of them counts no more, whether they are written again or not."""
    decider = Counting()
    await esdb.append("s", [put(1), put(2)])
    await esdb.load("s", decider)
    await esdb.delete("s")
    assert not (await esdb.load("s", decider)).exists
    await esdb.append("s", put(5))
    assert (await esdb.load("s", decider)).state == Account(5, (2,))
    await esdb.delete("s")
    await esdb.append("s", [put(7), put(8)])
    assert (await esdb.load("s", decider)).state == Account(15, (3, 4))
    await esdb.set_metadata("s", StreamMetadata(truncate_before=5))
    loaded = await esdb.load("s", decider)
    assert (loaded.state, loaded.revision) == (Account(), 4)
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted):
        await esdb.load("s", decider)


async def test_the_oldest_are_forgotten(esdb: Connection) -> None:
    """As many states are kept as were asked for, those that were used last."""
    decider = Counting(size=2)
    for stream in ("a", "b", "c"):
        await esdb.append(stream, put(1))
    for stream in ("a", "b", "a", "c"):
        await esdb.load(stream, decider)
    assert len(decider.cache) == 2
    decider.taken()
    await esdb.load("a", decider)
    assert decider.taken() == []
    await esdb.load("b", decider)
    assert decider.taken() == [0]


async def test_entities_are_copied(esdb: Connection) -> None:
    """Whatever becomes of an object that was loaded, the next one to load gets what the events make."""

    class Kept(MutableAccount):
        cache: ClassVar[StateCache] = StateCache(10)

    await esdb.append("s", put(1))
    for _ in range(3):
        loaded = await esdb.load("s", Kept)
        assert (loaded.state.cents, loaded.state.seen) == (1, [0])
        loaded.state.cents = 100
        loaded.state.seen.clear()


async def test_deciders_do_not_share_states(esdb: Connection) -> None:
    """Not even if one inherits the cache of the other."""

    class Kept(AccountDecider):
        cache = StateCache(10)

    class Doubled(Kept):
        @staticmethod
        def evolve(state: Account, event: RecordedEvent) -> Account:
            return AccountDecider.evolve(AccountDecider.evolve(state, event), event)

    await esdb.append("s", put(1))
    for _ in range(2):
        assert (await esdb.load("s", Kept)).state.cents == 1
        assert (await esdb.load("s", Doubled)).state.cents == 2


async def test_another_thing_of_that_name(esdb: Connection) -> None:
    """A class of entities may have a `cache` that is its own business."""

    class Entity(MutableAccount):
        cache: ClassVar[dict[str, str]] = {}

    await esdb.append("s", put(1))
    assert (await esdb.load("s", Entity)).state.cents == 1


@pytest.mark.parametrize("size", [0, -1, "1"])
def test_sizes_that_are_none(size: Any) -> None:
    """A cache holds something."""
    with pytest.raises(InvalidArgument, match="size must be"):
        StateCache(size)
