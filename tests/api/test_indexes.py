"""Indexes that users define: managed, read and followed as an app does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fastapi_esdb import (
    END,
    START,
    AccessDenied,
    CaughtUp,
    Connection,
    EsdbSettings,
    EventFilter,
    FanOut,
    Index,
    IndexExists,
    IndexField,
    IndexFieldType,
    IndexFilter,
    IndexNotFound,
    IndexState,
    InvalidArgument,
    NewEvent,
    NotSupported,
    StreamAppend,
    connect,
    filters,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethod, SupportedMethods
from fastapi_esdb.wire.admin.indexes import GET_INDEX, LIST_INDEXES
from fastapi_esdb.wire.errors import HandlerFailed
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams_v2.methods import APPEND_SESSION
from tests.support.fake_server import Call, FakeServer, Script, fails, in_turn, message_of, replies
from tests.support.secure import JANE, OPS, as_admin
from tests.support.target import own_server
from tests.support.waiting import PATIENCE

PLACED = "rec => rec.schema.name === 'OrderPlaced'"
COUNTRY = IndexField("country", "rec => rec.value.country")

NOT_FOUND, UNKNOWN = 5, 2
MISSING = fails(NOT_FOUND, {"exception": "index-not-found", "index-name": "x"})

pytestmark = own_server

Change = Callable[[Connection], Awaitable[object]]


def order(country: str) -> NewEvent:
    return NewEvent("OrderPlaced", {"country": country})


async def countries(esdb: Connection, chosen: IndexFilter, *, backwards: bool = False) -> list[str]:
    read = esdb.read_all(filter=chosen, backwards=backwards)
    return [event.json()["country"] async for event in read]


async def test_its_life(esdb: Connection) -> None:
    """Created, described, stopped, started and deleted; the same once more is no error, another of its name is."""
    await esdb.indexes.create("orders", filter=PLACED, fields=[COUNTRY])
    started = Index("orders", PLACED, (COUNTRY,), IndexState.STARTED)
    assert await esdb.indexes.get("orders") == started
    assert started in await esdb.indexes.list()
    await esdb.indexes.create("orders", filter=PLACED, fields=[COUNTRY])
    with pytest.raises(IndexExists, match="'orders'"):
        await esdb.indexes.create("orders", filter=PLACED)
    await esdb.indexes.stop("orders")
    await esdb.indexes.stop("orders")
    assert (await esdb.indexes.get("orders")).state is IndexState.STOPPED
    with pytest.raises(IndexExists):
        await esdb.indexes.create("orders", filter=PLACED, fields=[COUNTRY])
    await esdb.indexes.start("orders")
    await esdb.indexes.delete("orders")
    await esdb.indexes.delete("orders")
    for call in (esdb.indexes.get, esdb.indexes.start, esdb.indexes.stop):
        with pytest.raises(IndexNotFound, match="'orders'"):
            await call("orders")
    assert "orders" not in {index.name for index in await esdb.indexes.list()}


async def test_what_is_read(esdb: Connection) -> None:
    """Past and new events, all or those of one value, in both directions, from a start and with a limit."""
    await esdb.append("order-1", [order("de"), order("fr"), NewEvent("OrderPaid", {"country": "de"})])
    await esdb.indexes.create("orders", filter=PLACED, fields=[COUNTRY])
    await esdb.append("order-2", order("de"))
    everything = filters.by_index("orders")
    assert await countries(esdb, everything) == ["de", "fr", "de"]
    assert await countries(esdb, everything, backwards=True) == ["de", "fr", "de"][::-1]
    german = filters.by_index("orders", country="de")
    assert await countries(esdb, german) == ["de", "de"]
    assert await countries(esdb, filters.by_index("orders", country="it")) == []
    first, last = await esdb.read_all(filter=german).to_list()
    assert [event.stream for event in (first, last)] == ["order-1", "order-2"]
    assert await esdb.read_all(filter=german, start=last).to_list() == [last]
    assert await esdb.read_all(filter=german, limit=1).to_list() == [first]
    assert await esdb.read_all(filter=everything, backwards=True, limit=1).to_list() == [last]


async def test_what_is_followed(esdb: Connection) -> None:
    """History, and then what comes; from the end, or after an event, only what follows."""
    await esdb.indexes.create("orders", filter=PLACED, fields=[COUNTRY])
    await esdb.append("order-1", [order("de"), order("fr")])
    german = filters.by_index("orders", country="de")
    async with (
        asyncio.timeout(PATIENCE),
        esdb.subscribe_all(filter=german) as all_of_it,
        esdb.subscribe_all(filter=german, after=END) as new,
    ):
        first = await anext(all_of_it)
        await esdb.append("order-2", [order("fr"), order("de")])
        second = await anext(all_of_it)
        assert (first.stream, second.stream, second.revision) == ("order-1", "order-2", 1)
        assert await anext(new) == second
        async with esdb.subscribe_all(filter=german, after=first) as rest:
            assert await anext(rest) == second
            assert all_of_it.checkpoint == second.position


async def test_following_one_that_is_stopped(esdb: Connection) -> None:
    """The subscription ends with the error that reading it has, too."""
    await esdb.indexes.create("orders", filter=PLACED)
    chosen = filters.by_index("orders")
    async with asyncio.timeout(PATIENCE), esdb.subscribe_all(filter=chosen) as events:
        messages = aiter(events.messages())
        while not isinstance(await anext(messages), CaughtUp):
            pass
        await esdb.indexes.stop("orders")
        with pytest.raises(IndexNotFound, match=r"\$idx-user-orders"):
            await anext(messages)
    with pytest.raises(IndexNotFound, match=r"\$idx-user-orders"):
        await esdb.read_all(filter=chosen).to_list()


async def test_categories_and_types(esdb: Connection) -> None:
    """Every server from 25.1 on has these indexes."""
    await esdb.append("sale-1", [order("de"), NewEvent("OrderPaid", {"country": "fr"})])
    await esdb.append("sale", order("it"))
    await esdb.append("sales-1", NewEvent("OrderPaid", {"country": "es"}))
    category = filters.by_category("sale")
    assert await countries(esdb, category) == ["de", "fr", "it"]
    paid = [event.stream async for event in esdb.read_all(filter=filters.by_event_type("OrderPaid"), backwards=True)]
    assert paid[:2] == ["sales-1", "sale-1"]


async def test_names_and_fields_that_cannot_be(esdb: Connection) -> None:
    """They are refused before they are sent."""
    field = IndexField("c", "rec => 1", IndexFieldType.UNKNOWN)
    refused: list[Change] = [
        lambda esdb: esdb.indexes.create("Orders"),
        lambda esdb: esdb.indexes.get("or:ders"),
        lambda esdb: esdb.indexes.create("orders", fields=[IndexField("Land", "rec => 1")]),
        lambda esdb: esdb.indexes.create("orders", fields=[IndexField("land", "")]),
        lambda esdb: esdb.indexes.create("orders", fields=[field]),
    ]
    for call in refused:
        with pytest.raises(InvalidArgument):
            await call(esdb)


@pytest.mark.parametrize("source", ["no javascript(", "rec", "1", "() => true", "(a, b) => true"])
async def test_functions_that_are_none(esdb: Connection, source: str) -> None:
    """The server says which of the two it is."""
    with pytest.raises(InvalidArgument, match="Filter"):
        await esdb.indexes.create("orders", filter=source)
    with pytest.raises(InvalidArgument, match="selector"):
        await esdb.indexes.create("orders", fields=[IndexField("c", source)])


@pytest.mark.parametrize("name", ["$idx-ce-order", "$idx-et-OrderPlaced", "$idx-user-orders", "$idx-all"])
async def test_no_stream_is_an_index(esdb: Connection, name: str) -> None:
    """Who follows it as a stream would wait for ever: the error says how it is read."""
    for call in (
        lambda: esdb.read(name),
        lambda: esdb.subscribe(name),
        lambda: FanOut().listen(esdb, name),
    ):
        with pytest.raises(InvalidArgument, match=r"is the name of an index: read '\$all' with filter=filters\.by_"):
            call()
    with pytest.raises(InvalidArgument, match="is the name of an index"):
        await esdb.persistent_subscriptions.create(name, "g", start=START)


async def test_no_consumer_group_has_an_index() -> None:
    """Servers accept one and never deliver: the reason is told before anything is sent."""
    async with FakeServer() as server, connect(server.connection_string) as esdb:
        for chosen in (filters.by_index("orders"), filters.by_category("a"), filters.by_stream("$idx-ce-a")):
            with pytest.raises(InvalidArgument, match="never deliver an event"):
                await esdb.persistent_subscriptions.create("$all", "g", start=START, filter=chosen)


async def test_who_may() -> None:
    """Errors name who else may do it."""
    async with as_admin() as esdb:
        await esdb.indexes.create("orders", credentials=OPS)
        assert await esdb.indexes.list(credentials=JANE)
        with pytest.raises(AccessDenied, match=r"members of \$ops and \$admins may create"):
            await esdb.indexes.stop("orders", credentials=JANE)
        for user in (JANE, OPS):
            for chosen in (filters.by_index("orders"), filters.by_category("a"), filters.by_stream("$idx-all")):
                with pytest.raises(AccessDenied, match=r"needs the right to read \$all"):
                    await esdb.read_all(filter=chosen, credentials=user).to_list()


class OtherServer:
    """A server that says it has these calls, and answers reads of `$all` as `script` does. `sent` are their filters."""

    def __init__(self, *methods: Method[Any, Any], script: Script) -> None:
        self.fake = FakeServer()
        self.sent: list[EventFilter | None] = []
        self._script = script
        every: list[Method[Any, Any]] = [SUPPORTED_METHODS, READ, *methods]
        named = tuple(SupportedMethod(method.service.lower(), method.name.lower()) for method in every)
        told = SupportedMethods("25.1.0", named)
        self.fake.on(SUPPORTED_METHODS, replies(message_of(SUPPORTED_METHODS, told)))
        self.fake.on(READ, self._read)

    async def _read(self, call: Call) -> None:
        request = READ.decode_request(await call.receive() or b"")
        if request.stream is None:
            self.sent.append(request.filter)
            await self._script(call)
        else:
            await call.end()

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[Connection]:
        async with self.fake:
            settings = EsdbSettings(connection_string=self.fake.connection_string, pool_size=1)
            async with connect(settings) as esdb:
                await esdb.wait_connected(PATIENCE)
                yield esdb


CATEGORY, TYPE = filters.by_category("or.der", window=64), filters.by_event_type("Order+")


@pytest.mark.parametrize(
    ("chosen", "instead"),
    [(CATEGORY, filters.by_stream(regex=r"^or\.der(-|$)", window=64)), (TYPE, filters.by_type(regex=r"^Order\+$"))],
)
async def test_a_server_without_indexes(chosen: IndexFilter, instead: EventFilter) -> None:
    """It gets a filter that lets the same events through; it would take an index for the beginning of stream names."""
    server = OtherServer(script=replies())
    async with server.reached() as esdb:
        assert await esdb.read_all(filter=chosen).to_list() == []
        with pytest.raises(NotSupported, match=r"the index '\$idx-user-orders'; servers have it from 26\.0 on"):
            await esdb.read_all(filter=filters.by_index("orders")).to_list()
        with pytest.raises(NotSupported, match=r"Create; servers have it from 26\.0 on"):
            await esdb.indexes.create("orders")
    assert server.sent == [instead]
    for part in (repr(chosen.index), repr(instead.regex)):
        assert part in repr(chosen)


@pytest.mark.parametrize("chosen", [CATEGORY, TYPE])
async def test_a_server_with_indexes(chosen: IndexFilter) -> None:
    """From 25.1 on it gets the name of the index."""
    server = OtherServer(APPEND_SESSION, script=replies())
    async with server.reached() as esdb:
        assert await esdb.read_all(filter=chosen).to_list() == []
    assert [sent.index for sent in server.sent if sent] == [chosen.index]


async def test_a_server_whose_indexes_are_switched_off() -> None:
    """It has none of those that every server has, so it gets the filter, at once from the second time on."""
    server = OtherServer(APPEND_SESSION, script=in_turn(MISSING, replies()))
    async with server.reached() as esdb:
        for _ in range(2):
            assert await esdb.read_all(filter=CATEGORY).to_list() == []
    assert [sent.index for sent in server.sent if sent] == ["$idx-ce-or.der", None, None]
    assert server.sent[1:] == [CATEGORY.instead] * 2


async def test_a_server_whose_indexes_are_switched_off_has_all_else() -> None:
    """Appends to several streams came with the same version; they go on after a read by a category."""
    async with EmbeddedServer() as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.append("order-1", order("Malta"))
        with server.refuse(IndexNotFound("$idx-ce-order"), "Streams.Read", times=1) as switched_off:
            assert await countries(esdb, filters.by_category("order")) == ["Malta"]
        assert switched_off.happened == 1
        for _ in range(4):  # each connection of the pool has its turn
            await esdb.append_streams([StreamAppend("order-2", order("Mauritius"))])


async def test_one_of_a_user_that_is_missing() -> None:
    """There is nothing to read in its place."""
    server = OtherServer(*all_methods(), script=MISSING)
    async with server.reached() as esdb:
        with pytest.raises(IndexNotFound, match="user-orders"):
            await esdb.read_all(filter=filters.by_index("orders")).to_list()
    assert len(server.sent) == 1


async def test_a_list_where_nothing_was_ever_created() -> None:
    """26.1 fails then, while it can say of each index that it is not there; any other failure is one."""
    async with FakeServer() as server, connect(server.connection_string) as esdb:
        server.on(LIST_INDEXES, fails(UNKNOWN, details="Exception was thrown by handler."))
        server.on(GET_INDEX, MISSING)
        assert await esdb.indexes.list() == ()
        server.on(GET_INDEX, fails(UNKNOWN, details="Exception was thrown by handler."))
        with pytest.raises(HandlerFailed):
            await esdb.indexes.list()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Mauritius", "Mauritius"),
        ("", ""),
        (-5, "-5"),
        (1.5, "1.5"),
        (2.0, "2"),
        (0.1, "0.1"),
        (0.00001, "1E-05"),
        (1e15, "1E+15"),
        (123456789012345680.0, "1.2345678901234568E+17"),
    ],
)
def test_values_as_servers_write_them(value: str | float, text: str) -> None:
    """Where an index is followed live, they compare values as texts."""
    assert filters.by_index("orders", v=value).index == f"$idx-user-orders:{text}"


@pytest.mark.parametrize("value", [True, None, float("nan"), 2**63, b"de"])
def test_values_that_cannot_be(value: Any) -> None:
    """No index has such a value."""
    with pytest.raises(InvalidArgument, match="country"):
        filters.by_index("orders", country=value)


def test_names_that_no_index_has() -> None:
    """The indexes have no system events, categories end before the first `-`, and an index has one field."""
    with pytest.raises(InvalidArgument, match="system events"):
        filters.by_category("$a")
    with pytest.raises(InvalidArgument, match="system events"):
        filters.by_event_type("$>")
    for name in ("", "orders:de", "Orders"):
        with pytest.raises(InvalidArgument, match="name"):
            filters.by_index(name)
    with pytest.raises(InvalidArgument, match="before the first"):
        filters.by_category("order-line")
    with pytest.raises(InvalidArgument, match="one field"):
        filters.by_index("orders", a=1, b=2)
    assert repr(filters.by_index("orders", name="de")) == "IndexFilter(index='$idx-user-orders:de')"
