"""Appends that go together in AppendRecords calls, against the embedded server."""

from __future__ import annotations

import asyncio
from copy import copy
from uuid import uuid4

import pytest
from pydantic import SecretStr

from fastapi_esdb import Connection, NewEvent, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import AppendClosedInFlight, AppendOutcomeUnknown, NotSentInTime
from fastapi_esdb.pool.appends import append_batch
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import (
    StreamNotFound,
)
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from tests.pool.appends.batches import Watched, event, gathered, held, revisions
from tests.support.batches import BatchServer
from tests.support.pools import pool_on, settings_for
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, UNANSWERED, until

ADMIN = Credentials("admin", SecretStr("changeit"))


async def test_the_first_goes_at_once_and_the_others_together(watched: Watched, esdb: Connection) -> None:
    """Each gets the revision of its own stream."""
    ends = await gathered(watched, esdb, *((f"s-{number % 3}", event(), ANY) for number in range(9)))
    assert [len(group.records) for group in watched.groups] == [1, 9]
    assert revisions(ends) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


async def test_several_events_each(watched: Watched, esdb: Connection) -> None:
    """The revision is that of the last one, in the order they came in."""
    several = [event(), event(), event()]
    ends = await gathered(watched, esdb, ("s", several, ANY), ("s", event(), ANY), ("t", several, NO_STREAM))
    assert revisions(ends) == [2, 3, 2]
    assert [found.id async for found in esdb.read("s", limit=3)] == [one.id for one in several]


async def test_each_waits_for_a_connection_by_itself(watched: Watched, esdb_server: EmbeddedServer) -> None:
    """And not for the end of somebody else's wait; then they go in groups."""
    async with FaultProxy(esdb_server.port) as proxy:
        await proxy.stop()
        settings = settings_for(proxy.port, append_mode="grouped", wait=PATIENCE)
        async with connect(settings) as esdb:
            appends = []
            for number in range(5):
                appends.append(asyncio.create_task(esdb.append(f"s-{number}", event())))
                await until(lambda: esdb.pool.stats()["calls_waiting"] == len(appends))
            await proxy.start()
            assert revisions(await asyncio.gather(*appends)) == [0] * len(appends)
    assert sum(len(group.records) for group in watched.groups) == len(appends)


@pytest.mark.parametrize(("bound", "most"), [("MOST_APPENDS", 2), ("MOST_BYTES", 150)])
async def test_a_group_has_bounds(
    watched: Watched, esdb: Connection, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    """By count and by bytes."""
    monkeypatch.setattr(append_batch, bound, most)
    ends = await gathered(watched, esdb, *((f"s-{number}", event(), ANY) for number in range(5)))
    assert [len(group.records) for group in watched.groups] == [1, 2, 2, 1]
    assert revisions(ends) == [0] * 5


async def test_a_stream_with_a_check_waits_for_the_next_group(watched: Watched, esdb: Connection) -> None:
    """Its appends stay in order; the others are not held up."""
    appends: list[tuple[str, NewEvent, Expected]] = [
        ("s", event(), NO_STREAM),
        ("s", event(), 0),
        ("t", event(), ANY),
        ("s", event(), ANY),
        ("t", event(), STREAM_EXISTS),
    ]
    ends = await gathered(watched, esdb, *appends)
    assert [[record.stream for record in group.records] for group in watched.groups] == [
        ["first"],
        ["s", "t"],
        ["s", "t"],
        ["s"],
    ]
    assert revisions(ends) == [0, 1, 0, 2, 1]


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


@pytest.mark.parametrize("sent", ["by id", "as a copy", "atomically"])
async def test_what_may_be_known_though_it_looks_new(watched: Watched, esdb: Connection, sent: str) -> None:
    """An event with an id of the caller's own, one that was copied, and one that another call has sent."""
    given = known = event()
    if sent == "by id":
        known = NewEvent("T", {"n": 1}, id=given.id)
    elif sent == "as a copy":
        known = copy(given)
    await esdb.append_records([("s", given)])
    ends = await gathered(watched, esdb, ("s", event(), ANY), ("s", known, ANY))
    assert revisions(ends) == [1, 0]
    assert len(await esdb.read("s").to_list()) == 2


async def test_deadlines(watched: Watched, esdb: Connection) -> None:
    """Who waits for the next group was not sent; the outcome of who is in one is unknown."""
    watched.gate.clear()
    sent = asyncio.create_task(esdb.append("a", event(), timeout=UNANSWERED))
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
            await esdb.append("s", event(), timeout=PATIENCE)

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
    """The outcome of what is in flight is unknown."""
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


async def test_versions_of_schemas(esdb: Connection) -> None:
    """Events of a type whose version is attached name it, for readers too."""
    esdb.pool.schema_ids["T"] = version = uuid4()
    await esdb.append("s", [NewEvent("T", {}), NewEvent("B", b"\x00")])
    found, other = await esdb.read("s").to_list()
    assert found.json_metadata()["$schema.id"] == str(version)
    assert "$schema.id" not in other.json_metadata()


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
