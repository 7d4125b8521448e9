"""Server-sent events of an endpoint that returns an `EventStream`, read in the same process while they come."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel, SecretStr

from fastapi_esdb import (
    Credentials,
    EsdbConnection,
    EventStream,
    EventTypes,
    InvalidArgument,
    LastPosition,
    LastRevision,
    NewEvent,
    RecordedEvent,
    StreamAcl,
    StreamMetadata,
    add_error_handlers,
    connection_of,
    esdb_router,
    filters,
    stop_following,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.plugin import event_stream
from fastapi_esdb.testing import running, streaming_transport
from tests.support.waiting import PATIENCE, until

LIVE = "/streams/s"
READER = Credentials("reader", SecretStr("canary-reader"))


class Seen(BaseModel):
    number: int


def numbered(event: RecordedEvent) -> ServerSentEvent | None:
    """Every second event, as a value of the endpoint's own."""
    return None if event.revision % 2 else ServerSentEvent(data=Seen(number=event.revision))


def make_app() -> FastAPI:
    app = FastAPI()
    app.include_router(esdb_router)
    add_error_handlers(app)

    @app.get("/streams/{stream}", response_class=EventStream)
    async def live(stream: str, esdb: EsdbConnection, after: LastRevision) -> EventStream:
        return await EventStream.of(esdb.subscribe(stream, after=after))

    @app.get("/all", response_class=EventStream)
    async def live_all(esdb: EsdbConnection, after: LastPosition) -> EventStream:
        return await EventStream.of(esdb.subscribe_all(after=after, filter=filters.by_stream("s")))

    @app.get("/numbered", response_class=EventStream)
    async def live_numbers(esdb: EsdbConnection) -> EventStream:
        return await EventStream.of(esdb.subscribe("s"), numbered, retry=0.5)

    @app.get("/mine/{stream}", response_class=EventStream)
    async def live_as_somebody(stream: str, esdb: EsdbConnection) -> EventStream:
        return await EventStream.of(esdb.subscribe(stream, credentials=READER))

    @app.get("/existing/{stream}", response_class=EventStream)
    async def live_existing(stream: str, esdb: EsdbConnection) -> EventStream:
        await esdb.read(stream, limit=1).to_list()
        return await EventStream.of(esdb.subscribe(stream))

    return app


@pytest.fixture
async def app(esdb_server: EmbeddedServer) -> AsyncIterator[FastAPI]:
    app = make_app()
    async with running(app):
        await connection_of(app).wait_connected(PATIENCE)
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=streaming_transport(app), base_url="http://app") as client:
        yield client


@asynccontextmanager
async def events(client: httpx2.AsyncClient, path: str = LIVE, last: str = "") -> AsyncIterator[AsyncIterator[str]]:
    """The lines of an answer, the blank ones left out."""
    headers = {"Last-Event-ID": last} if last else {}
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield (line async for line in response.aiter_lines() if line)


async def append(app: FastAPI, count: int = 1, stream: str = "s") -> None:
    await connection_of(app).append(stream, [NewEvent("Happened", {"n": n}) for n in range(count)])


async def take(lines: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(PATIENCE):
        return [await anext(lines) for _ in range(count)]


async def test_events_come_with_their_type_their_data_and_an_id(app: FastAPI, client: httpx2.AsyncClient) -> None:
    """First what there is, then what happens; the browser is told to come back after a second."""
    await append(app)
    async with events(client) as lines:
        assert await take(lines, 4) == ["retry: 1000", "event: Happened", 'data: {"n":0}', "id: 0"]
        await append(app)
        assert (await take(lines, 3))[-1] == "id: 1"


@pytest.mark.parametrize("path", [LIVE, "/all"])
async def test_a_browser_that_comes_back_gets_what_it_missed(
    app: FastAPI, client: httpx2.AsyncClient, path: str
) -> None:
    """The last id is taken for where to go on, a revision or a position."""
    await append(app, 3)
    async with events(client, path) as lines:
        ids = [line for line in await take(lines, 10) if line.startswith("id:")]
    async with events(client, path, last=ids[1].removeprefix("id: ")) as lines:
        assert (await take(lines, 4))[-1] == ids[2]


@pytest.mark.parametrize("path", [LIVE, "/all"])
async def test_a_script_that_comes_back_sends_the_id_in_the_query(
    app: FastAPI, client: httpx2.AsyncClient, path: str
) -> None:
    """Where the browser comes back after that by itself, its header is the newer one."""
    await append(app, 4)
    async with events(client, path) as lines:
        ids = [line.removeprefix("id: ") for line in await take(lines, 13) if line.startswith("id:")]
    again = f"{path}?last_event_id={ids[0]}"
    async with events(client, again) as lines:
        assert (await take(lines, 4))[-1] == f"id: {ids[1]}"
    async with events(client, again, last=ids[2]) as lines:
        assert (await take(lines, 4))[-1] == f"id: {ids[3]}"


@pytest.mark.parametrize(
    ("path", "last"),
    [
        *((LIVE, last) for last in ("9223372036854775808", "-1", "yesterday", "1.5", "9" * 5000)),
        *(("/all", last) for last in ("7", "C:1/P:", "C:9223372036854775808/P:1", "C:1/P:9223372036854775808")),
    ],
)
async def test_an_id_that_can_be_none_is_refused(client: httpx2.AsyncClient, path: str, last: str) -> None:
    """400 instead of an empty answer."""
    sent = await client.get(path, headers={"Last-Event-ID": last})
    asked = await client.get(path, params={"last_event_id": last})
    for answer in (sent, asked):
        assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (400, "last-event-id-malformed")


async def test_an_endpoint_may_send_what_it_likes(app: FastAPI, client: httpx2.AsyncClient) -> None:
    """Models become JSON, events may be left out, and the id is there all the same."""
    await append(app, 3)
    async with events(client, "/numbered") as lines:
        assert await take(lines, 5) == ["retry: 500", 'data: {"number":0}', "id: 0", 'data: {"number":2}', "id: 2"]


async def test_events_with_types_are_refused_before_the_answer_begins(app: FastAPI) -> None:
    """They are of classes, which are not what is stored."""
    typed: Any = connection_of(app).subscribe("s", types=EventTypes())
    with pytest.raises(InvalidArgument, match="subscribe without types="):
        await EventStream.of(typed)


async def test_data_of_any_kind_gets_through(app: FastAPI, client: httpx2.AsyncClient) -> None:
    """Bytes are encoded, JSON over several lines and types with line breaks hurt nobody."""
    odd = [NewEvent("Bytes", b"\0\xff"), NewEvent("Two\nlines", {})]
    await connection_of(app).append("s", odd)
    async with events(client) as lines:
        _, *first, second, _, _ = await take(lines, 7)
    assert first == ["event: Bytes", "data: AP8=", "id: 0"]
    assert second == "event: Two lines"


async def test_a_pause_is_filled_with_comments(
    app: FastAPI, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies see that the connection lives, and no event is lost to it."""
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.02)
    async with events(client) as lines:
        assert await take(lines, 3) == ["retry: 1000", ": ping", ": ping"]
        await append(app)
        while not (await take(lines, 1))[0].startswith("id: 0"):
            pass


async def test_a_client_that_leaves_ends_the_subscription(
    client: httpx2.AsyncClient, esdb_server: EmbeddedServer
) -> None:
    """Though no event comes."""
    async with events(client) as lines:
        await take(lines, 1)
        assert esdb_server.open_calls["Streams.Read"] == 1
    await until(lambda: "Streams.Read" not in esdb_server.open_calls)


async def test_the_answer_ends_with_the_server_and_with_the_connection(
    app: FastAPI, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """In good order: the browser comes back after a while. Nothing of it is an error in the log."""
    esdb = connection_of(app)
    async with events(client) as lines:
        await take(lines, 1)
        await esdb.close()
        assert [line async for line in lines] == []
    await esdb.connect()
    await esdb.wait_connected(PATIENCE)
    async with events(client) as lines:
        await take(lines, 1)
        stop_following(app)
        assert [line async for line in lines] == []
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


async def test_what_fails_at_the_beginning_has_a_status(app: FastAPI, client: httpx2.AsyncClient) -> None:
    """Of the tables of errors: 410 for a tombstone, 404 where the endpoint asks for a stream, 503 when it stops."""
    esdb = connection_of(app)
    await append(app, stream="gone")
    await esdb.tombstone("gone")
    statuses = [(await client.get(path)).status_code for path in ("/streams/gone", "/existing/missing")]
    assert statuses == [410, 404]
    stop_following(app)
    answer = await client.get(LIVE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


async def test_a_closed_connection_is_a_503_and_one_line_at_most(
    app: FastAPI, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A browser that comes back again and again fills no log."""
    await connection_of(app).close()
    caplog.clear()
    for _ in range(5):
        assert (await client.get(LIVE)).status_code == 503
    assert len(caplog.text.splitlines()) <= 5


async def test_a_stream_that_may_not_be_read_is_a_403(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the endpoint follows it as somebody else; without rights of its own the app is at fault, which is a 502."""
    async with EmbeddedServer(secure=True) as server:
        monkeypatch.setenv("ESDB_CONNECTION_STRING", server.connection_string.replace("://", "://ops:changeit@"))
        await _with_reader(server)
        app = make_app()
        async with running(app):
            await connection_of(app).wait_connected(PATIENCE)
            transport = streaming_transport(app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
                statuses = [(await client.get(f"/{path}/secret")).status_code for path in ("mine", "streams")]
                assert statuses == [403, 502]


async def _with_reader(server: EmbeddedServer) -> None:
    """A user, and a stream that only admins may read."""
    from fastapi_esdb import connect

    admin = server.connection_string.replace("esdb://", "esdb://admin:changeit@")
    async with connect(admin) as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.users.create("reader", "canary-reader")
        await esdb.set_metadata("secret", StreamMetadata(acl=StreamAcl(read="$admins")))


async def test_an_error_in_the_endpoint_reaches_the_test(app: FastAPI) -> None:
    """As with `httpx2.ASGITransport`: what the app does not handle is raised, and what it does is answered."""

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @app.get("/teapot")
    async def teapot(_: Annotated[None, Depends(lambda: None)]) -> None:
        raise HTTPException(418, "no coffee")

    async with httpx2.AsyncClient(transport=streaming_transport(app), base_url="http://app") as client:
        with pytest.raises(ZeroDivisionError):
            await client.get("/broken")
        answer = await client.get("/teapot")
        assert (answer.status_code, answer.json()) == (418, {"detail": "no coffee"})


async def test_the_answer_is_in_the_schema(app: FastAPI, client: httpx2.AsyncClient) -> None:
    """As what it is, with both ways to say what was seen last."""
    schema = json.loads((await client.get("/openapi.json")).text)["paths"]["/streams/{stream}"]["get"]
    assert "text/event-stream" in schema["responses"]["200"]["content"]
    assert [parameter["name"] for parameter in schema["parameters"]] == ["stream", "last_event_id", "Last-Event-ID"]
