"""Requests with a key whose first answer was lost: on servers that append atomically, and on older ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI

from fastapi_esdb import Connection, connect, connection_of, filters
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.embedded.access import Access, Caller
from fastapi_esdb.errors import DeadlineExceeded, InvalidArgument, NotSupported
from fastapi_esdb.plugin.idempotency.connection import OnceConnection
from fastapi_esdb.plugin.idempotency.journal import Journal
from fastapi_esdb.testing import running
from fastapi_esdb.wire.headers import KnownHeaders
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
from tests.api.deciders.accounts import put
from tests.plugin.idempotent_app import made
from tests.support.lost_answers import lose_answers
from tests.support.waiting import PATIENCE, answered


def key() -> dict[str, str]:
    return {"Idempotency-Key": f'"{uuid4()}"'}


@pytest.fixture(params=["atomic", "older"])
def server_is(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The age of the server: an older one has no call that appends to several streams."""
    if request.param == "older":
        admit = Access.admit

        async def refuse(access: Access, wanted: Method[Any, Any], headers: KnownHeaders) -> Caller:
            if wanted in (APPEND_SESSION, APPEND_RECORDS):
                raise NotSupported(wanted.path, wanted.since)
            return await admit(access, wanted, headers)

        monkeypatch.setattr(Access, "admit", refuse)
    return str(request.param)


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with running(app), httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
        await connection_of(app).wait_connected(PATIENCE)
        yield client


@pytest.fixture
async def http(esdb_server: EmbeddedServer, server_is: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(made()) as client:
        yield client


@pytest.fixture
async def esdb(esdb_server: EmbeddedServer) -> AsyncIterator[Connection]:
    async with connect(esdb_server.connection_string) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection


async def revisions(esdb: Connection, stream: str) -> list[int]:
    return [event.revision for event in await esdb.read(stream, missing_ok=True).to_list()]


async def lost(http: httpx2.AsyncClient, path: str, header: dict[str, str], **options: Any) -> None:
    """Make a request whose endpoint ends between its append and its answer."""
    answer = await http.post(path, headers={**header, "X-Dies": "endpoint"}, **options)
    assert answer.status_code == 500


async def test_an_append_to_wherever_the_stream_is(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """Is there once, and is answered with its revision although others came behind."""
    await esdb.append("log-1", [put(1), put(2)])
    header = key()
    await lost(http, "/v1/log/1", header, json={})
    await esdb.append("log-1", [put(1), put(2)])
    for _ in range(2):
        assert (await http.post("/v1/log/1", headers=header, json={})).json() == 2
    assert await revisions(esdb, "log-1") == [0, 1, 2, 3, 4]


async def test_the_whole_result_is_the_same(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """With the position of the write."""
    header = key()
    await lost(http, "/v1/log/1/whole", header)
    again = (await http.post("/v1/log/1/whole", headers=header)).json()
    [_, last] = await esdb.read("log-1").to_list()
    assert last.position is not None
    assert (again["revision"], again["position"]["commit"]) == (1, last.position.commit)


@pytest.mark.parametrize("way", ["accounts", "threads", "kept"])
async def test_a_decision_is_not_made_again(http: httpx2.AsyncClient, esdb: Connection, way: str) -> None:
    """What was decided is told though the state has no room for it now. Preconditions are about the state of then."""
    await esdb.append("account-1", put(10))
    header = {**key(), "If-Match": '"0"'}
    await lost(http, f"/v1/{way}/1/take/8", header)
    await esdb.append("account-1", put(5))
    answer = await http.post(f"/v1/{way}/1/take/8", headers=header)
    assert (answer.status_code, answer.json()) == (200, 2)
    assert way == "threads" or answer.headers["ETag"] == '"1"'
    assert (await http.post(f"/v1/{way}/1/take/8", headers=key())).status_code == 402
    assert await revisions(esdb, "account-1") == [0, 1, 2]


async def test_what_was_new_then_is_new_again(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """The endpoint sees the stream as it was, and the events as they were decided."""
    header = key()
    await lost(http, "/v1/accounts/1/open", header)
    answer = await http.post("/v1/accounts/1/open", headers=header)
    assert (answer.status_code, answer.json()) == (201, [100, 0, "Put"])
    assert answer.headers["Location"] == "/v1/accounts/1/open"
    assert await revisions(esdb, "account-1") == [0]


async def test_a_request_goes_on_where_it_ended(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """The second of two appends is made by the second request."""
    header = key()
    await lost(http, "/v1/transfers/1/2", header)
    assert (await revisions(esdb, "account-1"), await revisions(esdb, "account-2")) == ([0], [])
    for _ in range(2):
        assert (await http.post("/v1/transfers/1/2", headers=header)).json() == [0, 0]
    assert (await revisions(esdb, "account-1"), await revisions(esdb, "account-2")) == ([0], [0])


async def test_a_revision_is_that_of_then(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """Of endpoints that load no state."""
    header = {**key(), "If-None-Match": "*"}
    await lost(http, "/v1/revisions/1", header)
    answer = await http.post("/v1/revisions/1", headers=header)
    assert (answer.status_code, answer.json(), answer.headers["ETag"]) == (200, [False, 0], '"0"')
    assert await revisions(esdb, "log-1") == [0]


async def test_a_view_of_the_connection_has_the_key(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """`bound` gives another object for the same request."""
    header = key()
    await lost(http, "/v1/bound/1", header)
    assert (await http.post("/v1/bound/1", headers=header)).json() == 0
    assert await revisions(esdb, "log-1") == [0]


async def test_ids_are_made_of_the_key(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """So the second request names the same stream."""
    header = key()
    await lost(http, "/v1/orders", header)
    order = (await http.post("/v1/orders", headers=header)).json()
    assert await revisions(esdb, f"order-{order}") == [0]
    assert (await http.post("/v1/orders", headers=key())).json() != order


async def test_an_endpoint_that_does_something_else_the_second_time(http: httpx2.AsyncClient) -> None:
    """It can't be answered as the first time, and nothing is appended."""
    header = key()
    await lost(http, "/v1/random-orders", header)
    answer = await http.post("/v1/random-orders", headers=header)
    assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (500, "idempotency-answer-lost")
    assert len({one.stream async for one in stored(http) if one.stream.startswith("order-")}) == 1


async def stored(http: httpx2.AsyncClient) -> AsyncIterator[Any]:
    transport = http._transport
    assert isinstance(transport, httpx2.ASGITransport)
    app: Any = transport.app
    async for event in connection_of(app).read_all():
        yield event


@pytest.mark.parametrize("server_is", ["atomic"], indirect=True)
async def test_a_joint_decision(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """All of its streams are told again."""
    header = key()
    await lost(http, "/v1/joint/1/2", header)
    for _ in range(2):
        assert (await http.post("/v1/joint/1/2", headers=header)).json() == {"account-1": 0, "account-2": 0}
    assert (await revisions(esdb, "account-1"), await revisions(esdb, "account-2")) == ([0], [0])


async def test_the_answer_to_the_append_is_lost(
    esdb_server: EmbeddedServer, server_is: str, esdb: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`AppendOutcomeUnknown`, a 500: the second request finds out, and is answered as the first would have been."""
    monkeypatch.setenv("ESDB_RETRY_UNKNOWN", "false")
    monkeypatch.setenv("ESDB_DEADLINE", "0.5")
    header = key()
    async with client_of(made()) as http:
        with lose_answers(esdb_server, "BatchAppend" if server_is == "older" else "AppendSession", times=3):
            answer = await http.post("/v1/log/1", headers=header, json={})
        assert (answer.status_code, answer.json()["type"].partition("#")[2]) == (500, "outcome-unknown")
    monkeypatch.delenv("ESDB_DEADLINE")
    async with client_of(made()) as http:
        assert (await http.post("/v1/log/1", headers=header, json={})).json() == 0
    assert await revisions(esdb, "log-1") == [0]


@pytest.mark.parametrize("server_is", ["older"], indirect=True)
async def test_an_entry_without_its_append(
    http: httpx2.AsyncClient, esdb: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an older server the app may end between the two: the second request makes the append."""
    header = key()
    with monkeypatch.context() as patch:
        write = OnceConnection._write_entry

        async def write_and_die(*arguments: Any) -> None:
            await write(*arguments)
            raise RuntimeError("the app ends here")

        patch.setattr(OnceConnection, "_write_entry", write_and_die)
        assert (await http.post("/v1/log/1", headers=header, json={})).status_code == 500
    assert await revisions(esdb, "log-1") == []
    await esdb.append("log-1", put(1))
    assert (await http.post("/v1/log/1", headers=header, json={})).json() == 1
    assert await revisions(esdb, "log-1") == [0, 1]


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("server_is", ["older"], indirect=True)
async def test_an_append_that_comes_late(
    esdb_server: EmbeddedServer, server_is: str, esdb: Connection, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    """One that was on its way in another process when the request was sent again is refused, or is the one."""
    header, entered, go_on = key(), asyncio.Event(), asyncio.Event()
    write, writers = OnceConnection._write_entry, iter(range(9))

    async def write_and_wait(*arguments: Any) -> None:
        await write(*arguments)
        if next(writers) == 0:
            entered.set()
            await go_on.wait()

    monkeypatch.setattr(OnceConnection, "_write_entry", write_and_wait)
    async with AsyncExitStack() as apps:
        first, second = [await apps.enter_async_context(client_of(made())) for _ in range(2)]
        late = asyncio.create_task(first.post("/v1/log/1", headers=header, json={}))
        await entered.wait()
        if moves:
            await esdb.append("log-1", put(1))
        answer = await second.post("/v1/log/1", headers=header, json={})
        go_on.set()
        assert (await late).status_code in (201, 409)
        assert (answer.status_code, answer.json()) == (201, 1 if moves else 0)
        assert (await first.post("/v1/log/1", headers=header, json={})).json() == answer.json()
    events = await esdb.read("log-1").to_list()
    assert [event.type for event in events].count("Logged") == 1


async def test_many_at_once_in_two_apps(esdb_server: EmbeddedServer, server_is: str, esdb: Connection) -> None:
    """The log lets one of them through; the others are told to wait, or what that one has been answered."""
    header = key()
    async with client_of(made()) as first, client_of(made()) as second:
        posts = [app.post("/v1/log/1", headers=header, json={}) for app in (first, second) for _ in range(10)]
        answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert {answer.json() for answer in answers if answer.status_code == 201} == {0}
        for app in (first, second):
            assert (await app.post("/v1/log/1", headers=header, json={})).json() == 0
    assert await revisions(esdb, "log-1") == [0]


async def test_events_that_no_atomic_append_can_carry(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """By their type, or their metadata: their entry is written before them."""
    header = key()
    await lost(http, "/v1/odd/1", header)
    assert (await http.post("/v1/odd/1", headers=header)).json() == 0
    [event] = await esdb.read("log-1").to_list()
    assert (event.type, event.metadata) == ("Order placed!", b"\x00")


async def test_a_key_expires(esdb_server: EmbeddedServer, server_is: str, esdb: Connection) -> None:
    """After `max_age` it is the key of a new request."""
    header, age = key(), timedelta(seconds=3)
    async with client_of(made(max_age=age, prefix="keys-")) as http:
        assert (await http.post("/v1/log/1", headers=header, json={})).json() == 0
        [stream] = {event.stream async for event in esdb.read_all() if event.stream.startswith("keys-")}
        assert (await esdb.get_metadata(stream)).max_age == age

        await answered(lambda: revisions(esdb, stream), lambda found: not found)
        assert (await http.post("/v1/log/1", headers=header, json={"another": 1})).json() == 1
        assert (await http.post("/v1/log/1", headers=header, json={"another": 1})).json() == 1
    assert await revisions(esdb, "log-1") == [0, 1]


@pytest.mark.parametrize("max_age", [timedelta(0), timedelta(milliseconds=1500)])
def test_an_age_that_servers_do_not_know(max_age: timedelta) -> None:
    """Is refused when the app is made."""
    with pytest.raises(InvalidArgument, match="max_age"):
        made(max_age=max_age)


async def test_an_answer_that_can_not_be_stored(
    http: httpx2.AsyncClient, esdb: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is given, a warning says so, and the second request makes it again."""

    async def refuse(*_: object) -> None:
        raise DeadlineExceeded

    monkeypatch.setattr(Journal, "keep", refuse)
    header = key()
    for _ in range(2):
        assert (await http.post("/v1/log/1", headers=header, json={})).json() == 0
    assert "the answer to a request with a key is not stored" in caplog.text
    assert await revisions(esdb, "log-1") == [0]


async def test_neither_key_nor_request_is_stored(http: httpx2.AsyncClient, esdb: Connection) -> None:
    """The stream's name and what tells requests apart are hashes."""
    header = {"Idempotency-Key": '"canary-key"', "X-User": "canary-user"}
    assert (await http.post("/v1/bound/1", headers=header, params={"card": "canary-card"})).status_code == 200
    events = await esdb.read_all().to_list()
    assert any(event.type == "$IdempotentAnswer" for event in events)
    of_the_app = await esdb.read_all(filter=filters.exclude_system()).to_list()
    assert [event.stream for event in of_the_app if event.stream.startswith("idempotency_key-")] == []
    assert not [event for event in events if b"canary" in event.data + event.metadata or "canary" in event.stream]
