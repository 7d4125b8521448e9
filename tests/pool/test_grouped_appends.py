"""Appends that go together in AppendRecords calls, against the embedded server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from fastapi_esdb import Connection, NewEvent, connect
from fastapi_esdb.api.stream_acl import StreamAcl
from fastapi_esdb.api.stream_metadata import StreamMetadata
from fastapi_esdb.connection.call import unary_encoded
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import AppendClosedInFlight, AppendOutcomeUnknown, NotSentInTime
from fastapi_esdb.pool import append_group
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.append_mode import AppendMode
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.append_methods_v2 import APPEND_RECORDS
from fastapi_esdb.wire.appends import APPEND
from fastapi_esdb.wire.appends_v2 import AppendRecords
from fastapi_esdb.wire.batches import BATCH_APPEND
from fastapi_esdb.wire.errors import (
    AccessDenied,
    HandlerFailed,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    ServerNotReady,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.records import ANY, NO_STREAM, STREAM_EXISTS, Expected, ProposedEvent
from fastapi_esdb.wire.requests import AppendResult
from tests.api.secure import as_admin
from tests.faults.batches import BatchServer
from tests.faults.process import free_port
from tests.faults.proxy import FaultProxy
from tests.faults.until import PATIENCE, until
from tests.pool.pools import pool_on, settings_for

ADMIN = Credentials("admin", SecretStr("changeit"))


class Watched:
    """The calls that write, as they arrive: how many of each, and the groups. Holds them back while `gate` is shut."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.groups: list[AppendRecords] = []
        self.calls: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusals: list[Exception] = []
        """What the next groups are refused with, after they were written."""
        request, send, receive = Call.request, Call.send, Call.__anext__

        async def asked(call: Call[AppendRecords, object]) -> AppendRecords:
            value = await request(call)
            if call.method is APPEND_RECORDS:
                self.groups.append(value)
                await self.gate.wait()
            return value

        async def told(call: Call[object, object], response: object) -> None:
            if call.method is APPEND_RECORDS and self.refusals:
                raise self.refusals.pop(0)
            await send(call, response)

        async def taken(call: Call[object, object]) -> object:
            value = await receive(call)
            if call.method in (APPEND, BATCH_APPEND):
                self.calls[call.method.name] += 1
            return value

        patch.setattr(Call, "request", asked)
        patch.setattr(Call, "send", told)
        patch.setattr(Call, "__anext__", taken)

    async def step(self) -> None:
        """Let through the group that is held back, and wait until the next one is."""
        seen = len(self.groups)
        self.gate.set()
        self.gate.clear()
        await until(lambda: len(self.groups) > seen)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


@pytest.fixture
async def esdb(esdb_server: EmbeddedServer) -> AsyncIterator[Connection]:
    settings = EsdbSettings(connection_string=esdb_server.connection_string, append_mode=AppendMode.GROUPED)
    async with connect(settings) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection


def event(name: str = "T") -> NewEvent:
    return NewEvent(name, {"n": 1})


def nameless() -> ProposedEvent:
    """An event that servers refuse."""
    return ProposedEvent(UUID(int=0), "T", b"{}")


async def held(watched: Watched, esdb: Connection) -> asyncio.Task[AppendResult]:
    """A first append that is in flight until the gate opens."""
    watched.gate.clear()
    first = asyncio.create_task(esdb.append("first", event()))
    await until(lambda: watched.groups)
    return first


async def gathered(
    watched: Watched, esdb: Connection, *appends: tuple[str, ProposedEvent | list[NewEvent], Expected]
) -> list[AppendResult | BaseException]:
    """Appends that wait together for a first one."""
    first = await held(watched, esdb)
    tasks = [asyncio.create_task(esdb.append(*append)) for append in appends]
    await asyncio.sleep(0)
    watched.gate.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def revisions(ends: list[AppendResult | BaseException]) -> list[int | type[BaseException] | None]:
    return [end.revision if isinstance(end, AppendResult) else type(end) for end in ends]


async def test_the_first_goes_at_once_and_the_others_together(watched: Watched, esdb: Connection) -> None:
    """Each gets the revision of its own stream, which is that of its last event."""
    several = [event(), event(), event()]
    await esdb.append("s-0", event())
    watched.groups.clear()
    ends = await gathered(watched, esdb, *((f"s-{number}", several, ANY) for number in range(3)))
    assert [len(group.records) for group in watched.groups] == [1, 9]
    assert revisions(ends) == [3, 2, 2]
    assert [found.id async for found in esdb.read("s-1")] == [one.id for one in several]


@pytest.mark.parametrize(("bound", "most"), [("MOST_APPENDS", 2), ("MOST_BYTES", 150)])
async def test_a_group_has_bounds(
    watched: Watched, esdb: Connection, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    """By count and by bytes."""
    monkeypatch.setattr(append_group, bound, most)
    ends = await gathered(watched, esdb, *((f"s-{number}", event(), ANY) for number in range(5)))
    assert [len(group.records) for group in watched.groups] == [1, 2, 2, 1]
    assert revisions(ends) == [0] * 5


async def test_a_stream_has_one_append_in_a_group(watched: Watched, esdb: Connection) -> None:
    """What comes behind it goes over the shared call, in order; the others are not held up."""
    appends: list[tuple[str, ProposedEvent | list[NewEvent], Expected]] = [
        ("s", [event(), event()], NO_STREAM),
        ("s", event(), 1),
        ("t", event(), ANY),
        ("s", [event(), event()], ANY),
        ("t", event(), STREAM_EXISTS),
    ]
    ends = await gathered(watched, esdb, *appends)
    assert [[record.stream for record in group.records] for group in watched.groups] == [["first"], ["s", "s", "t"]]
    assert watched.calls == {BATCH_APPEND.name: 3}
    assert revisions(ends) == [1, 2, 0, 4, 1]


async def test_a_stream_that_is_written_to_apart(watched: Watched, esdb: Connection) -> None:
    """Who comes meanwhile waits until that is done, or until its deadline; then groups have the stream again."""
    first = await held(watched, esdb)
    second, third = (asyncio.create_task(esdb.append("first", event(), number)) for number in range(2))
    await asyncio.sleep(0)
    third.cancel()
    with pytest.raises(NotSentInTime):
        await esdb.append("first", event(), timeout=0.05)
    watched.gate.set()
    assert [(await one).revision for one in (first, second)] == [0, 1]
    assert (await esdb.append("first", event())).revision == 2
    assert [len(group.records) for group in watched.groups] == [1, 1]
    assert watched.calls == {BATCH_APPEND.name: 1}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "in reverse"])
async def test_several_appends_that_are_known(watched: Watched, esdb: Connection, order: tuple[int, int]) -> None:
    """Each is answered as the first time, wherever its events are in the stream."""
    given = [[event()], [event(), event()]]
    await esdb.append("s", given[0])
    await esdb.append("s", event())
    await esdb.append("s", given[1])
    ends = await gathered(watched, esdb, *(("s", given[number], ANY) for number in order))
    assert revisions(ends) == [[0, 3][number] for number in order]
    assert len(await esdb.read("s").to_list()) == 4


async def test_the_same_event_twice_at_a_time(watched: Watched, esdb: Connection) -> None:
    """Is stored once, also if the server knows it and something new goes before."""
    given, known = event(), event()
    await esdb.append("t", known)
    ends = await gathered(watched, esdb, ("s", given, ANY), ("s", given, ANY), ("t", event(), ANY), ("t", known, ANY))
    assert revisions(ends) == [0, 0, 1, 0]
    assert [len(await esdb.read(stream).to_list()) for stream in "st"] == [1, 2]


async def test_a_violation_is_that_of_the_callers_it_names(watched: Watched, esdb: Connection) -> None:
    """They hear where the stream is; the others go again at once."""
    await esdb.append("taken", [event(), event()])
    watched.groups.clear()
    ends = await gathered(
        watched,
        esdb,
        ("taken", event(), NO_STREAM),
        ("a", event(), NO_STREAM),
        ("taken too", event(), 5),
        ("b", event(), ANY),
    )
    assert revisions(ends) == [WrongExpectedRevision, 0, WrongExpectedRevision, 0]
    first, third = ends[0], ends[2]
    assert isinstance(first, WrongExpectedRevision)
    assert isinstance(third, WrongExpectedRevision)
    assert (first.stream, first.expected, first.actual) == ("taken", NO_STREAM, 1)
    assert (third.stream, third.expected, third.actual) == ("taken too", 5, NO_STREAM)
    assert [len(group.records) for group in watched.groups] == [1, 4, 2]


async def test_the_same_append_again_is_known_again(watched: Watched, esdb: Connection) -> None:
    """Beside others, and though its check fails by now: the answer is the one of the first time."""
    given = event()
    assert (await esdb.append("s", given, NO_STREAM)).revision == 0
    await esdb.append("s", event())
    watched.groups.clear()
    ends = await gathered(watched, esdb, ("s", given, NO_STREAM), ("t", event(), ANY))
    assert revisions(ends) == [0, 0]
    assert len(await esdb.read("s").to_list()) == 2


async def test_ids_of_which_the_server_knows_some(watched: Watched, esdb: Connection) -> None:
    """What it knows is made apart, and the others go again; nothing is doubled."""
    given = event()
    await esdb.append("s", given)
    watched.groups.clear()
    ends = await gathered(watched, esdb, ("s", given, ANY), ("t", event(), ANY), ("u", event(), ANY))
    assert revisions(ends) == [0, 0, 0]
    assert len(await esdb.read("s").to_list()) == 1
    assert [len(group.records) for group in watched.groups] == [1, 3, 2]


async def test_a_tombstoned_stream(watched: Watched, esdb: Connection) -> None:
    """Only the append to it fails."""
    await esdb.tombstone("gone")
    ends = await gathered(watched, esdb, ("a", event(), ANY), ("gone", event(), ANY), ("b", event(), NO_STREAM))
    assert revisions(ends) == [0, StreamDeleted, 0]


async def test_a_refusal_that_names_nobody(watched: Watched) -> None:
    """Splits the group until only the guilty fails."""
    limit = MaximumAppendSizeExceeded
    async with EmbeddedServer(max_append_size=3_000) as server:
        settings = EsdbSettings(connection_string=server.connection_string, append_mode=AppendMode.GROUPED)
        async with connect(settings) as small:
            await small.wait_connected(PATIENCE)
            watched.groups.clear()
            sizes = [10, 10, 5_000, 10, 10]
            appends = [(name, NewEvent("T", b"x" * size), ANY) for name, size in zip("abcde", sizes, strict=True)]
            assert revisions(await gathered(watched, small, *appends)) == [0, 0, limit, 0, 0]


async def test_a_bad_request(watched: Watched, esdb: Connection) -> None:
    """Only the append fails that is one."""
    ends = await gathered(watched, esdb, ("a", event(), ANY), ("b", nameless(), ANY), ("c", event(), NO_STREAM))
    assert revisions(ends) == [0, InvalidArgument, 0]


async def test_a_stream_that_the_user_may_not_write_to(watched: Watched) -> None:
    """Only the append to it fails."""
    async with as_admin() as admin:
        await admin.set_metadata("mine", StreamMetadata(acl=StreamAcl(write="$admins")))
        string = f"esdb://jane:secret@{admin.pool.address}?tls=false"
        async with connect(EsdbSettings(connection_string=string, append_mode=AppendMode.GROUPED)) as jane:
            await jane.wait_connected(PATIENCE)
            ends = await gathered(watched, jane, ("a", event(), ANY), ("mine", event(), ANY), ("b", event(), NO_STREAM))
    assert revisions(ends) == [0, AccessDenied, 0]
    assert [len(group.records) for group in watched.groups] == [1, 3, 1, 2, 1, 1]


async def test_a_deadline_that_passes_before_a_group_goes_again(watched: Watched, esdb: Connection) -> None:
    """Nothing of it was written."""
    first = await held(watched, esdb)
    given = [nameless(), event(), event()]
    tasks = [asyncio.create_task(esdb.append(f"s-{number}", one)) for number, one in enumerate(given)]
    leaving = asyncio.create_task(esdb.append("leaving", event(), timeout=0.5))
    await asyncio.sleep(0)
    await watched.step()
    with pytest.raises(NotSentInTime):
        await leaving
    watched.gate.set()
    assert (await first).revision == 0
    assert revisions(await asyncio.gather(*tasks, return_exceptions=True)) == [InvalidArgument, 0, 0]


async def test_a_failure_that_nobody_foresaw(
    watched: Watched, esdb: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaves its group in doubt, and the next one goes."""
    monkeypatch.setattr(append_group, "MOST_APPENDS", 1)
    first = await held(watched, esdb)
    second, third = (asyncio.create_task(esdb.append(name, event())) for name in "st")
    await asyncio.sleep(0)
    failures = [OverflowError()]

    async def failing(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return await unary_encoded(*arguments)

    monkeypatch.setattr("fastapi_esdb.pool.grouped_appends.unary_encoded", failing)
    watched.gate.set()
    await first
    with pytest.raises(AppendOutcomeUnknown):
        await second
    assert (await third).revision == 0


async def test_a_lost_call_leaves_each_in_doubt(watched: Watched, esdb: Connection) -> None:
    """With its own ids; nothing is sent again."""
    given = [event() for _ in range(3)]
    first = await held(watched, esdb)
    tasks = [asyncio.create_task(esdb.append(f"s-{number}", one)) for number, one in enumerate(given)]
    await asyncio.sleep(0)
    watched.gate.set()
    await first
    watched.refusals = [HandlerFailed("fell over")]
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [end.ids for end in ends if isinstance(end, AppendOutcomeUnknown)] == [(one.id,) for one in given]
    assert len(watched.groups) == 2


async def test_what_was_not_executed_goes_again(watched: Watched, esdb: Connection) -> None:
    """By each caller's own retries."""
    watched.refusals = [ServerNotReady()]
    assert (await esdb.append("s", event(), NO_STREAM)).revision == 0
    assert esdb.pool.stats()["retries_total"] == 1


async def test_deadlines(watched: Watched, esdb: Connection) -> None:
    """Who waits for the next group was not sent; who is in one is in doubt."""
    watched.gate.clear()
    sent = asyncio.create_task(esdb.append("a", event(), timeout=0.3))
    await until(lambda: watched.groups)
    with pytest.raises(NotSentInTime):
        await esdb.append("b", event(), timeout=0.05)
    with pytest.raises(AppendOutcomeUnknown):
        await sent
    watched.gate.set()


def test_deadlines_on_the_next_loop(watched: Watched) -> None:
    """Nothing is left of those on the loop where the pool was before."""
    port = free_port()
    pool = ConnectionPool(settings_for(port, append_mode="grouped", wait=PATIENCE))
    esdb = Connection(pool)

    async def before() -> None:
        async with EmbeddedServer(port=port), pool:
            await esdb.append("s", event(), timeout=0.5)

    async def after() -> None:
        async with EmbeddedServer(port=port), pool:
            first = await held(watched, esdb)
            with pytest.raises(NotSentInTime):
                await esdb.append("s", event(), timeout=0.5)
            assert not first.done()
            watched.gate.set()
            await first

    asyncio.run(before())
    watched.groups.clear()
    asyncio.run(after())


async def test_a_deadline_that_passes_while_there_is_no_connection(esdb_server: EmbeddedServer) -> None:
    """What was said not to be sent is not sent later, when the others of its group are."""
    async with FaultProxy(esdb_server.port) as proxy:
        await proxy.stop()
        settings = settings_for(proxy.port, append_mode="grouped", wait=PATIENCE)
        async with ConnectionPool(settings) as pool:
            esdb = Connection(pool)
            staying = asyncio.create_task(esdb.append("staying", event(), timeout=PATIENCE))
            with pytest.raises(NotSentInTime):
                await esdb.append("leaving", event(), timeout=0.1)
            await proxy.start()
            assert (await staying).revision == 0
            with pytest.raises(StreamNotFound):
                await esdb.read("leaving").to_list()


async def test_a_cancelled_caller(watched: Watched, esdb: Connection) -> None:
    """Is left out of the next group."""
    first = await held(watched, esdb)
    staying, leaving = (asyncio.create_task(esdb.append(name, event())) for name in ("a", "b"))
    await asyncio.sleep(0)
    leaving.cancel()
    watched.gate.set()
    assert (await first, (await staying).revision)[1] == 0
    assert [len(group.records) for group in watched.groups] == [1, 1]


async def test_a_close_on_purpose(watched: Watched, esdb: Connection) -> None:
    """What is in flight is in doubt."""
    first = await held(watched, esdb)
    await esdb.close()
    with pytest.raises(AppendClosedInFlight):
        await first
    watched.gate.set()


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (NewEvent("My Event/v1", {}), {}),
        (NewEvent("A\u030a", {}), {}),
        (NewEvent("T", {}, [1, 2]), {}),
        (NewEvent("T", {}, b"no JSON"), {}),
        (NewEvent("T", {}, {"$schema.name": "mine"}), {}),
        (NewEvent("T", {}, {"large": 2**60}), {}),
        (event(), {"credentials": ADMIN}),
    ],
    ids=["odd type", "not normalised", "a list", "no JSON", "a key of the server", "a large number", "credentials"],
)
async def test_what_a_group_can_not_hold(
    watched: Watched, esdb: Connection, given: NewEvent, options: dict[str, Credentials]
) -> None:
    """Goes the other way and is stored as it is."""
    await esdb.append("s", given, credentials=options.get("credentials"))
    (found,) = await esdb.read("s").to_list()
    assert (found.type, found.metadata) == (given.type, given.metadata)
    assert watched.groups == []


async def test_what_readers_see(esdb: Connection) -> None:
    """The metadata gains the schema, and loses its layout; the rest is as it was."""
    given = NewEvent("T", b'{ "n": 1 }', b'{ "user":"ada" }', content_type="application/json")
    await esdb.append("s", [given, NewEvent("B", b"\x00")])
    found, other = await esdb.read("s").to_list()
    assert (found.id, found.type, found.data, found.content_type) == (given.id, "T", given.data, given.content_type)
    assert found.json_metadata() == {"user": "ada", "$schema.name": "T", "$schema.format": "Json"}
    assert found.metadata != given.metadata
    assert other.json_metadata() == {"$schema.name": "B", "$schema.format": "Bytes"}


async def test_a_server_without_the_call() -> None:
    """Appends share a call there."""
    async with BatchServer() as server, pool_on(server.port, append_mode="grouped") as pool:
        esdb = Connection(pool)
        for _ in range(3):
            append = asyncio.create_task(esdb.append("s", event()))
            (await server.take_one()).answer()
            await append
    assert len(server.headers) == 1


async def test_a_node_that_is_not_to_be_the_leader(esdb_server: EmbeddedServer, watched: Watched) -> None:
    """Other nodes refuse the call, and pass on the shared one."""
    string = f"{esdb_server.connection_string}&nodePreference=follower"
    async with connect(EsdbSettings(connection_string=string, append_mode=AppendMode.GROUPED)) as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.append("s", event())
    assert watched.groups == []
