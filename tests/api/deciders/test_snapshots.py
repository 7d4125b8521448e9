"""States that are stored: what a load reads with them, and that it never depends on them."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from fastapi_esdb import Connection, NewEvent, RecordedEvent, Snapshots, StateCache, StreamMetadata, connect, filters
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import AccessDenied, InvalidArgument
from tests.api.deciders.accounts import Account, AccountDecider, MutableAccount, put, take
from tests.support.target import own_server
from tests.support.waiting import PATIENCE

STORED = "snapshot-Account-s"


class Counting(AccountDecider):
    """Tells which events it was given."""

    def __init__(self, every: int = 2, **options: Any) -> None:
        self.snapshots = Snapshots(**{"version": 1, "every": every, **options})
        self.given: list[int] = []

    def evolve(self, state: Account, event: RecordedEvent) -> Account:  # type: ignore[override]  # it is no static one
        self.given.append(event.revision)
        return AccountDecider.evolve(state, event)


async def loaded(esdb: Connection, decider: Counting, **options: Any) -> tuple[Account, list[int]]:
    """Load, and return the state and the revisions of the events that it was folded from."""
    decider.given = []
    return (await esdb.load("s", decider, **options)).state, decider.given


async def stored(esdb: Connection, stream: str = STORED) -> list[dict[str, Any]]:
    return [event.json() async for event in esdb.read(stream, missing_ok=True)]


async def test_only_what_came_since_is_evolved_by(esdb: Connection) -> None:
    """By whichever process: nothing is kept in it."""
    await esdb.append("s", [put(1), put(2), put(3)])
    assert await loaded(esdb, Counting()) == (Account(6, (0, 1, 2)), [0, 1, 2])
    assert await loaded(esdb, Counting()) == (Account(6, (0, 1, 2)), [])
    await esdb.append("s", put(4))
    assert await loaded(esdb, Counting()) == (Account(10, (0, 1, 2, 3)), [3])
    decider = Counting()
    decided = await esdb.decide("s", decider, take, 5)
    assert (decided.state, decider.given) == (Account(5, (0, 1, 2, 3, 4)), [4])


async def test_one_is_stored_now_and_then(esdb: Connection) -> None:
    """Not before there are so many events, nor each time; only the newest one is kept."""
    decider, sizes = Counting(every=3), []
    for _ in range(7):
        await esdb.append("s", put(1))
        await loaded(esdb, decider)
        sizes.append([data["revision"] for data in await stored(esdb)])
    assert sizes == [[], [], [2], [2], [2], [5], [5]]
    [snapshot] = await stored(esdb)
    [*_, event] = await esdb.read("s", limit=6).to_list()
    assert snapshot == {
        "version": 1,
        "class": "tests.api.deciders.accounts.Account",
        "revision": 5,
        "eventId": str(event.id),
        "state": {"cents": 6, "seen": [0, 1, 2, 3, 4, 5]},
    }


async def test_another_version(esdb: Connection) -> None:
    """It counts as none, and the state is stored anew."""
    await esdb.append("s", [put(1), put(2)])
    await loaded(esdb, Counting())
    assert await loaded(esdb, Counting(version=2)) == (Account(3, (0, 1)), [0, 1])
    assert await loaded(esdb, Counting(version=2)) == (Account(3, (0, 1)), [])
    assert await loaded(esdb, Counting(version=1)) == (Account(3, (0, 1)), [0, 1])


async def test_another_class_of_that_name(esdb: Connection) -> None:
    """Its states are not taken for those of the first one."""
    first = Account

    def make() -> type[BaseModel]:
        class Account(BaseModel):
            cents: int = 0
            snapshots: ClassVar[Snapshots] = Snapshots(version=1, every=1)

            def apply(self, _: RecordedEvent) -> None:
                self.cents += 1

        return Account

    other: Any = make()
    await esdb.append("s", [put(5), put(6)])
    assert (await loaded(esdb, Counting()))[0] == first(11, (0, 1))
    assert (await esdb.load("s", other)).state.cents == 2
    assert (await esdb.load("s", other)).state.cents == 2
    assert (await loaded(esdb, Counting()))[0] == first(11, (0, 1))


@pytest.mark.parametrize("data", [{}, {"version": 1}, [], {"version": 1, "class": "x", "state": 7}])
async def test_a_snapshot_that_is_none(esdb: Connection, data: Any) -> None:
    """It is passed over."""
    await esdb.append("s", [put(1), put(2)])
    await loaded(esdb, Counting())
    [found] = await stored(esdb)
    await esdb.append(STORED, NewEvent("$Snapshot", {**found, "state": 7} if data == {} else data))
    assert await loaded(esdb, Counting()) == (Account(3, (0, 1)), [0, 1])


async def test_a_snapshot_is_no_event_of_the_app(esdb: Connection) -> None:
    """Who reads all events but those of the system is not given it."""
    await esdb.append("s", [put(1), put(2)])
    await loaded(esdb, Counting())
    assert len(await stored(esdb)) == 1
    assert {event.stream for event in await esdb.read_all(filter=filters.exclude_system()).to_list()} == {"s"}


async def test_a_stream_that_was_deleted_or_truncated(esdb: Connection) -> None:
    """The event that it was made after is gone, so all is read that is there, and stored."""
    decider = Counting()
    await esdb.append("s", [put(1), put(2)])
    await loaded(esdb, decider)
    await esdb.delete("s")
    assert await loaded(esdb, decider) == (Account(), [])
    await esdb.append("s", put(7))
    assert await loaded(esdb, decider) == (Account(7, (2,)), [2])
    await esdb.append("s", put(8))
    assert await loaded(esdb, decider) == (Account(15, (2, 3)), [3])
    await esdb.set_metadata("s", StreamMetadata(truncate_before=4))
    assert await loaded(esdb, decider) == (Account(), [])


async def test_a_load_says_so(esdb: Connection) -> None:
    """In place of the decider, which knows nothing of snapshots."""
    await esdb.append("s", [put(1), put(2)])
    state = await esdb.load("s", AccountDecider, snapshots=Snapshots(version=1, every=2, name="mine"))
    assert (await stored(esdb, "snapshot-mine-s"))[0]["state"] == {"cents": 3, "seen": [0, 1]}
    assert state.state == Account(3, (0, 1))
    with pytest.raises(InvalidArgument, match="snapshots must be"):
        await esdb.load("s", AccountDecider, snapshots=True)  # type: ignore[call-overload]


async def test_the_past(esdb: Connection) -> None:
    """States of it are neither stored nor read from a snapshot."""
    await esdb.append("s", [put(1), put(2), put(3)])
    assert await loaded(esdb, Counting(), at_revision=1) == (Account(3, (0, 1)), [0, 1])
    assert await stored(esdb) == []
    await loaded(esdb, Counting())
    assert await loaded(esdb, Counting(), at_revision=0) == (Account(1, (0,)), [0])


async def test_with_a_cache(esdb: Connection) -> None:
    """What is kept in the process is taken first, and snapshots are stored nevertheless."""
    decider = Counting()
    decider.cache = StateCache(10)  # type: ignore[attr-defined]
    for number in range(4):
        await esdb.append("s", put(1))
        assert (await loaded(esdb, decider))[1] == [number]
    assert [data["revision"] for data in await stored(esdb)] == [3]


async def test_entities(esdb: Connection) -> None:
    """A class whose objects take events in, and change."""

    class Kept(MutableAccount):
        snapshots: ClassVar[Snapshots] = Snapshots(version=1, every=2)

    await esdb.append("s", [put(1), put(2), put(3)])
    for _ in range(2):
        state = (await esdb.load("s", Kept)).state
        assert (type(state), state.cents, state.seen) == (Kept, 6, [0, 1, 2])
    [found] = await stored(esdb, "snapshot-Kept-s")
    assert found["state"] == {"cents": 6, "seen": [0, 1, 2]}


async def test_states_of_several_classes(esdb: Connection) -> None:
    """`of` says which ones there are, and a name is needed then."""

    class Lazy:
        initial: Account | None = None
        snapshots = Snapshots(version=1, every=1, of=Account | None, name="lazy")
        given: ClassVar[list[int]] = []

        @staticmethod
        def evolve(state: Account | None, event: RecordedEvent) -> Account | None:
            Lazy.given.append(event.revision)
            return AccountDecider.evolve(state or Account(), event)

    lazy: Any = Lazy
    await esdb.append("s", put(1))
    for _ in range(2):
        assert (await esdb.load("s", lazy)).state == Account(1, (0,))
    assert Lazy.given == [0]
    with pytest.raises(InvalidArgument, match="name is missing"):
        Snapshots(version=1, of=Account | None)


async def test_states_that_json_changes(esdb: Connection, caplog: pytest.LogCaptureFixture) -> None:
    """They are not stored, and the log says so."""

    class Hidden(BaseModel):
        snapshots: ClassVar[Snapshots] = Snapshots(version=1, every=1)
        _count: int = 0

        def apply(self, _: RecordedEvent) -> None:
            self._count += 1

    await esdb.append("s", put(1))
    with caplog.at_level(logging.WARNING):
        assert (await esdb.load("s", Hidden)).state._count == 1
    assert "not equal to what its JSON gives" in caplog.text
    assert await stored(esdb, "snapshot-Hidden-s") == []
    assert (await esdb.load("s", Hidden)).state._count == 1


async def test_states_that_pydantic_does_not_know(esdb: Connection) -> None:
    """A mistake that is found with the first load."""

    class Plain:
        snapshots = Snapshots(version=1)

        def apply(self, event: RecordedEvent) -> None:
            """Do nothing."""

    with pytest.raises(InvalidArgument, match="pydantic knows"):
        await esdb.load("s", Plain)


@own_server
@pytest.mark.parametrize("calls", ["append", "read"])
async def test_a_server_that_refuses_it(
    esdb_server: EmbeddedServer, calls: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a snapshot that can't be stored nor one that can't be read is a reason to fail."""
    async with connect(esdb_server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.append("s", [put(1), put(2)])
        with esdb_server.refuse(AccessDenied(), calls, times=1) as fault:
            assert (await loaded(esdb, Counting()))[0] == Account(3, (0, 1))
        assert fault.happened == 1


@pytest.mark.parametrize("options", [{"version": 0}, {"version": "1"}, {"version": 1, "every": 0}])
def test_options_that_are_none(options: Any) -> None:
    """Both are whole numbers from 1 on."""
    with pytest.raises(InvalidArgument, match="must be"):
        Snapshots(**options)
