"""Loading the state of a stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, assert_type

import pytest

from fastapi_esdb import NO_STREAM, Connection, Loaded, RecordedEvent, StreamDeleted, StreamMetadata
from fastapi_esdb.errors import InvalidArgument
from tests.api.deciders.accounts import Account, AccountDecider, MutableAccount, put, take
from tests.support.waiting import until

MANY = 600
"""Events that come in more than one batch."""


async def test_a_state_is_made_of_all_events(esdb: Connection) -> None:
    """By a decider, as a class or an object, or by a class of entities."""
    await esdb.append("s", [put(5), put(2)])
    await esdb.append("s", take(Account(7), 3))
    loaded = await esdb.load("s", AccountDecider)
    assert_type(loaded, Loaded[Account])
    assert (loaded.stream, loaded.state, loaded.revision, loaded.exists) == ("s", Account(4, (0, 1, 2)), 2, True)
    assert await esdb.load("s", AccountDecider()) == loaded
    entity = await esdb.load("s", MutableAccount)
    assert_type(entity, Loaded[MutableAccount])
    assert (entity.state, entity.revision) == (MutableAccount(4, [0, 1, 2]), 2)


async def test_a_long_stream(esdb: Connection) -> None:
    """Comes in batches, of which none is forgotten or folded twice."""
    await esdb.append("s", [put(1) for _ in range(MANY)])
    assert (await esdb.load("s", AccountDecider)).state == Account(MANY, tuple(range(MANY)))


@pytest.mark.parametrize("was_there", [False, True])
async def test_no_stream(esdb: Connection, was_there: bool) -> None:
    """A stream that was never there, or is deleted, has the initial state."""
    if was_there:
        await esdb.append("s", put(5))
        await esdb.delete("s")
    loaded = await esdb.load("s", AccountDecider)
    assert (loaded.state, loaded.revision, loaded.exists) == (Account(), NO_STREAM, False)


async def test_a_tombstoned_stream(esdb: Connection) -> None:
    """It will never have a state again."""
    await esdb.append("s", put(5))
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted):
        await esdb.load("s", AccountDecider)


async def test_a_stream_whose_events_are_all_truncated(esdb: Connection) -> None:
    """It is there, and its revision can be expected."""
    await esdb.append("s", [put(1), put(2)])
    await esdb.set_metadata("s", StreamMetadata(truncate_before=2))
    loaded = await esdb.load("s", AccountDecider)
    assert (loaded.state, loaded.revision, loaded.exists) == (Account(), 1, True)
    assert (await loaded.decide(lambda _: put(3))).revision == 2


@pytest.mark.parametrize("revision", [0, 1, 299, MANY - 1, MANY])
async def test_the_state_after_a_revision(esdb: Connection, revision: int) -> None:
    """Up to that event and not further, also in a stream that is truncated; beyond the end it is the last state."""
    await esdb.append("s", [put(1) for _ in range(MANY)])
    last = min(revision, MANY - 1)
    loaded = await esdb.load("s", AccountDecider, at_revision=revision)
    assert (loaded.state, loaded.revision) == (Account(last + 1, tuple(range(last + 1))), last)
    await esdb.set_metadata("s", StreamMetadata(truncate_before=200))
    loaded = await esdb.load("s", AccountDecider, at_revision=revision)
    assert loaded.state.seen == tuple(range(200, last + 1))
    assert loaded.revision == (last if last >= 200 else NO_STREAM)


async def test_the_state_at_a_moment(esdb: Connection) -> None:
    """Of what was recorded by then."""
    await esdb.append("s", put(1))
    [first] = await esdb.read("s").to_list()
    await until(lambda: datetime.now(UTC) > first.created + timedelta(milliseconds=5))
    await esdb.append("s", put(2))
    before = await esdb.load("s", AccountDecider, as_of=first.created - timedelta(seconds=1))
    assert (before.state, before.revision, before.exists) == (Account(), NO_STREAM, False)
    assert (await esdb.load("s", AccountDecider, as_of=first.created)).state == Account(1, (0,))
    later = datetime.now(UTC) + timedelta(days=1)
    assert (await esdb.load("s", AccountDecider, as_of=later)).state == Account(3, (0, 1))


async def test_the_past_is_for_looking_at(esdb: Connection) -> None:
    """Nothing is decided by it, even where it is the present."""
    await esdb.append("s", put(1))
    loaded = await esdb.load("s", AccountDecider, at_revision=0)
    with pytest.raises(InvalidArgument, match="this state of 's' can't be decided by: it is one of the past"):
        await loaded.decide(take, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"at_revision": -1}, "at_revision must be between 0"),
        ({"at_revision": "1"}, "at_revision must be a whole number"),
        ({"as_of": datetime(2026, 1, 1)}, "as_of must have a time zone"),  # noqa: DTZ001  which is what it is about
        ({"as_of": "today"}, "as_of must be of type datetime"),
        ({"at_revision": 1, "as_of": datetime.now(UTC)}, "either at_revision or as_of"),
    ],
)
async def test_points_that_are_none(esdb: Connection, options: Any, said: str) -> None:
    """Are refused before anything is sent."""
    with pytest.raises(InvalidArgument, match=said):
        await esdb.load("s", AccountDecider, **options)


@pytest.mark.parametrize("decider", [Account, Account(), None, "AccountDecider", MutableAccount()])
async def test_what_is_no_decider(esdb: Connection, decider: Any) -> None:
    """The error says what makes one."""
    with pytest.raises(InvalidArgument, match=r"`initial` and `evolve\(state, event\)`, or be a class with `apply"):
        await esdb.load("s", decider)


async def test_states_are_not_awaited(esdb: Connection) -> None:
    """A coroutine function would leave a coroutine in place of the state."""

    class Entity:
        async def apply(self, event: RecordedEvent) -> None: ...

    class Deciding:
        initial = 0

        @staticmethod
        async def evolve(state: int, _event: RecordedEvent) -> int:
            return state

    deciders: dict[str, Any] = {"apply of Entity": Entity, "evolve of Deciding": Deciding}
    for name, decider in deciders.items():
        with pytest.raises(InvalidArgument, match=f"{name} must be a def"):
            await esdb.load("s", decider)


async def test_initial_states_are_not_shared(esdb: Connection) -> None:
    """What one stream makes of a list is not what the next one begins with; `initial` may be a function as well."""

    class Careless:
        initial: ClassVar[list[int]] = []

        @staticmethod
        def evolve(state: list[int], event: RecordedEvent) -> list[int]:
            state.append(event.revision)
            return state

    class Made:
        @staticmethod
        def evolve(state: list[int], event: RecordedEvent) -> list[int]:
            return [*state, event.revision]

        @staticmethod
        def initial() -> list[int]:
            return [-1]

    await esdb.append("s", [put(1), put(2)])
    for _ in range(2):
        assert (await esdb.load("s", Careless)).state == [0, 1]
        assert (await esdb.load("s", Made())).state == [-1, 0, 1]
