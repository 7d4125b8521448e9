"""Many listeners to one source, which share a subscription."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.sse import ServerSentEvent

from fastapi_esdb import (
    END,
    START,
    Connection,
    EsdbDep,
    EventStream,
    FanOut,
    LastPosition,
    LastRevision,
    Listener,
    NewEvent,
    RecordedEvent,
    add_error_handlers,
    connection_of,
    esdb_router,
    filters,
    stop_following,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import ConnectionClosed, InvalidArgument
from fastapi_esdb.plugin import feed
from fastapi_esdb.plugin.encoding import sent
from fastapi_esdb.testing import running, streaming_transport
from tests.support.waiting import PATIENCE, until


def make_app(live: FanOut) -> FastAPI:
    app = FastAPI()
    app.include_router(esdb_router)
    add_error_handlers(app)

    @app.get("/streams/{stream}", response_class=EventStream)
    async def follow(stream: str, esdb: EsdbDep, after: LastRevision) -> EventStream:
        return await EventStream.of(live.listen(esdb, stream, after=after))

    @app.get("/all", response_class=EventStream)
    async def follow_all(esdb: EsdbDep, after: LastPosition) -> EventStream:
        return await EventStream.of(live.listen(esdb, "$all", after=after, filter=filters.by_stream("s")))

    @app.websocket("/socket/{stream}")
    async def socket(websocket: WebSocket, stream: str, esdb: EsdbDep, after: LastRevision) -> None:
        await live.listen(esdb, stream, after=after).send_to(websocket)

    return app


@pytest.fixture
def live() -> FanOut:
    """One that has few events at hand, so that listeners have to read what is older."""
    return FanOut(kept=5)


@pytest.fixture
async def app(esdb_server: EmbeddedServer, live: FanOut) -> AsyncIterator[FastAPI]:
    app = make_app(live)
    async with running(app):
        await connection_of(app).wait_connected(PATIENCE)
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=streaming_transport(app), base_url="http://app") as client:
        yield client


@pytest.fixture
def esdb(app: FastAPI) -> Connection:
    return connection_of(app)


async def append(esdb: Connection, count: int = 1, stream: str = "s") -> None:
    await esdb.append(stream, [NewEvent("Happened", {"n": n}) for n in range(count)])


@asynccontextmanager
async def ids(
    client: httpx2.AsyncClient, path: str = "/streams/s", last: str = ""
) -> AsyncIterator[AsyncIterator[str]]:
    """The ids of the events of an answer."""
    headers = {"Last-Event-ID": last} if last else {}
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        yield (line.removeprefix("id: ") async for line in response.aiter_lines() if line.startswith("id: "))


async def take(found: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(found) for _ in range(count)]


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last)]


async def all_of(listener: Listener, count: int) -> list[str]:
    """The ids of so many events."""
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            shown = await listener.next(PATIENCE)
            assert shown is not None
            found += [one.id for one in shown]
    return found


async def test_listeners_share_a_call_and_an_encoding(esdb: Connection) -> None:
    """However many there are: each event is read and encoded once."""
    encoded: list[int] = []

    def encode(event: RecordedEvent) -> ServerSentEvent:
        encoded.append(event.revision)
        return sent(event)

    live = FanOut(encode)
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(live.listen(esdb, "s")) for _ in range(50)]
        assert len(live) == 1
        await append(esdb, 3)
        for listener in listeners:
            assert await all_of(listener, 3) == ["0", "1", "2"]
        assert encoded == [0, 1, 2]
        assert esdb.pool.stats()["streams_open"] == 1
    assert len(live) == 0


async def test_the_call_ends_with_the_last_listener(esdb: Connection, live: FanOut, client: httpx2.AsyncClient) -> None:
    """And another one begins with the next."""
    for _ in range(2):
        async with ids(client) as first:
            async with ids(client) as second:
                await append(esdb)
                await take(second, 1)
            await take(first, 1)
            assert len(live) == 1
            assert esdb.pool.stats()["streams_open"] == 1
        await until(lambda: not esdb.pool.stats()["streams_open"])
        assert len(live) == 0


@pytest.mark.parametrize("last", [None, 0, 3, 11, 13])
async def test_who_comes_back_gets_what_it_missed(
    esdb: Connection, client: httpx2.AsyncClient, last: int | None
) -> None:
    """Without a gap and without anything twice, whether that is at hand or has to be read."""
    await append(esdb, 4)
    async with ids(client) as holding:
        await take(holding, 4)
        await append(esdb, 10)
        await take(holding, 10)
        async with ids(client, last="" if last is None else str(last)) as found:
            first = 0 if last is None else last + 1
            assert await take(found, 14 - first) == numbers(first, 14)
            await append(esdb, 2)
            assert await take(found, 2) == ["14", "15"]


async def test_a_long_past_is_sent_in_pages(esdb: Connection, client: httpx2.AsyncClient) -> None:
    """Then what happens."""
    await append(esdb, 2 * feed.PAGE + 50)
    async with ids(client) as found:
        assert await take(found, 2 * feed.PAGE + 50) == numbers(0, 2 * feed.PAGE + 50)
        await append(esdb)
        assert await take(found, 1) == [str(2 * feed.PAGE + 50)]


async def test_all_streams_with_a_filter(esdb: Connection, client: httpx2.AsyncClient) -> None:
    """The ids are positions, and the next one follows the last."""
    for stream in ("s-1", "other", "s-2", "s-3"):
        await append(esdb, stream=stream)
    async with ids(client, "/all") as found:
        first = await take(found, 3)
        async with ids(client, "/all", last=first[0]) as again:
            assert await take(again, 2) == first[1:]
            await append(esdb, stream="other")
            await append(esdb, stream="s-4")
            assert await take(again, 1) == await take(found, 1)


async def test_only_what_happens_from_now_on(esdb: Connection, live: FanOut) -> None:
    """`END` is where the source is when the listener joins."""
    await append(esdb, 3)
    async with live.listen(esdb, "s", after=END) as listener:
        await append(esdb, 2)
        assert await all_of(listener, 2) == ["3", "4"]


async def test_listeners_that_join_while_much_is_written(esdb: Connection, live: FanOut) -> None:
    """Each gets everything once and in order, from wherever it begins; who is dropped goes on behind its last one."""
    total = 400

    async def listen(after: int) -> list[str]:
        found: list[str] = []
        while len(found) < total - after - 1:
            place = after + len(found)
            async with live.listen(esdb, "s", after=place if place >= 0 else START) as listener:
                while len(found) < total - after - 1 and (shown := await listener.next(PATIENCE)) is not None:
                    found += [one.id for one in shown]
        return found

    async def write() -> None:
        for _ in range(total // 4):
            await append(esdb, 4)

    async with asyncio.timeout(PATIENCE):
        writing = asyncio.create_task(write())
        begins = [-1, 10, 50, 100, -1, 200, -1]
        listening = []
        for after in begins:
            listening.append(asyncio.create_task(listen(after)))
            await esdb.last_revision("s")
        found = await asyncio.gather(*listening)
        await writing
    assert found == [numbers(after + 1, total) for after in begins]


async def test_who_is_too_slow_is_dropped(esdb: Connection, live: FanOut) -> None:
    """The others go on; it comes back behind its last event, and has missed nothing."""
    async with live.listen(esdb, "s") as fast, live.listen(esdb, "s") as slow:
        await append(esdb, 2)
        assert await all_of(slow, 2) == await all_of(fast, 2)
        for _ in range(6):
            await append(esdb, 2)
            await all_of(fast, 2)
        assert await slow.next(PATIENCE) is None
        assert slow.is_dropped
        async with live.listen(esdb, "s", after=1) as again:
            assert await all_of(again, 12) == numbers(2, 14)


async def test_nothing_happens_for_a_while(
    esdb: Connection, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comments come, which keep the connections of proxies open."""
    monkeypatch.setattr("fastapi_esdb.plugin.event_stream.HEARTBEAT", 0.05)
    async with client.stream("GET", "/streams/s") as response, asyncio.timeout(PATIENCE):
        lines = (line async for line in response.aiter_lines() if line)
        assert await anext(lines) == "retry: 1000"
        assert (await anext(lines)).startswith(":")


@pytest.mark.parametrize("how", ["stop", "close"])
async def test_the_answer_ends_with_the_server_and_with_the_connection(
    app: FastAPI, esdb: Connection, client: httpx2.AsyncClient, how: str
) -> None:
    """All listeners are sent away at once, and come back by themselves."""
    async with ids(client) as first, ids(client) as second:
        await append(esdb)
        await take(first, 1)
        await take(second, 1)
        if how == "stop":
            stop_following(app)
        else:
            await esdb.close()
        async with asyncio.timeout(PATIENCE):
            assert [one async for one in first] == [one async for one in second] == []


async def test_what_fails_at_the_beginning_has_a_status(esdb: Connection, client: httpx2.AsyncClient) -> None:
    """410 for a tombstone, 503 without a connection, 400 for an id that is none."""
    await append(esdb)
    await esdb.tombstone("s")
    assert (await client.get("/streams/s")).status_code == 410
    for path in ("/streams/a", "/all"):
        bad = await client.get(path, headers={"Last-Event-ID": "yesterday"})
        assert (bad.status_code, bad.json()["type"].partition("#")[2]) == (400, "last-event-id-malformed")
    await esdb.close()
    assert (await client.get("/streams/a")).status_code == 503


async def test_a_lost_connection_is_not_noticed(
    esdb: Connection, esdb_server: EmbeddedServer, client: httpx2.AsyncClient
) -> None:
    """The subscription resumes."""
    async with ids(client) as found:
        await append(esdb)
        await take(found, 1)
        await esdb.reconnect()
        await append(esdb)
        assert await take(found, 1) == ["1"]


async def test_an_event_that_can_not_be_encoded(esdb: Connection, caplog: pytest.LogCaptureFixture) -> None:
    """The listeners are sent away, and the log says why."""

    def encode(event: RecordedEvent) -> ServerSentEvent:
        raise ValueError("no")

    async with FanOut(encode).listen(esdb, "s", after=END) as listener:
        await append(esdb)
        assert await listener.next(PATIENCE) is None
    assert "the listeners to 's' are sent away" in caplog.text


async def test_what_can_not_be_listened_to(esdb: Connection, live: FanOut) -> None:
    """Is refused as by `subscribe`."""
    with pytest.raises(InvalidArgument):
        live.listen(esdb, "s", filter=filters.by_stream("s"))
    with pytest.raises(InvalidArgument):
        live.listen(esdb, "$all", after=3)
    with pytest.raises(InvalidArgument):
        FanOut(kept=0)
    await esdb.close()
    with pytest.raises(ConnectionClosed):
        await live.listen(esdb, "s").__aenter__()
    assert len(live) == 0
