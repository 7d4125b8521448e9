"""What becomes of what handlers and clients do wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.admin.cluster import GOSSIP
from fastapi_esdb.wire.errors import BatchFailed, HandlerFailed, InvalidArgument
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ
from fastapi_esdb.wire.streams.values import AppendOptions, BatchFragment, BatchOptions, DeleteRequest, ReadRequest
from tests.support.bare_client import BareClient, connected, event
from tests.support.waiting import PATIENCE, until

REQUESTS: dict[str, object] = {READ.path: ReadRequest("a"), DELETE.path: DeleteRequest("a"), GOSSIP.path: None}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a method of the database fail as only a bug would."""

    def break_(name: str) -> None:
        def fail(*_: object, **__: object) -> Awaitable[None]:
            raise RuntimeError("a bug")

        monkeypatch.setattr(Database, name, fail)

    return break_


async def test_a_bug_in_a_write(
    client: BareClient, broken: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A bug is a failed call for its client, a traceback in the log, and nothing to other calls."""
    broken("append")
    with pytest.raises(HandlerFailed):
        await client.call(APPEND, AppendOptions("a"), event())
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.exc_info
    assert "/event_store.client.streams.Streams/Append" in record.getMessage()
    assert not await client.read(ReadRequest("a"))


async def test_a_bug_in_a_read(client: BareClient, broken: Callable[[str], None]) -> None:
    """The same goes for a read, in the middle of its answers too."""
    await client.write("a", 500)
    call = await client.subscribe(ReadRequest("a"))
    await call.take(1)
    broken("read_stream")
    with pytest.raises(HandlerFailed):
        await call.all()


async def test_a_bug_in_a_batch(
    client: BareClient, broken: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A batch that runs into a bug fails by itself."""
    broken("append")
    [answer] = await client.call(BATCH_APPEND, BatchFragment(uuid4(), BatchOptions("a"), (event(),)))
    assert isinstance(answer.result, BatchFailed)
    assert [r.levelno for r in caplog.records if r.exc_info] == [logging.ERROR]


@pytest.mark.parametrize("method", [READ, APPEND, DELETE, BATCH_APPEND])
async def test_malformed_bytes(client: BareClient, method: Method[Any, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that are no message are the client's mistake and named as such; they are nothing for the log."""
    call = client.open(method)
    await call.raw.write(b"\xff\xff\xff")
    with pytest.raises(InvalidArgument, match="malformed"):
        await call.all()
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


async def test_a_client_that_is_gone(server: EmbeddedServer, caplog: pytest.LogCaptureFixture) -> None:
    """A client whose connection breaks frees its calls, and is nothing for the log."""
    async with connected(server.address) as leaving:
        await leaving.write("a", 100, data=b"x" * 50_000)
        calls = [await leaving.subscribe(ReadRequest("a", subscribe=True)) for _ in range(10)]
        await calls[0].take(1)
        await until(lambda: server.open_calls == {"Streams.Read": 10})
    await until(lambda: not server.open_calls)
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


async def test_a_reader_that_is_gone(
    server: EmbeddedServer, client: BareClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Who breaks off a read that the server can't go on with until more is taken is nothing for the log, either."""
    await client.write("a", 40, data=b"x" * 200_000)
    for _ in range(5):
        call = client.open(READ)
        await call.send(ReadRequest("a"))
        await call.done_sending()
        await call.take(2)
        await asyncio.sleep(0.05)  # nothing tells that the server waits
        call.cancel()
        await until(lambda: not server.open_calls)
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.parametrize("method", [READ, DELETE, GOSSIP])
async def test_a_request_without_an_end(
    client: BareClient, method: Method[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unary request must be half-closed; who does not do it is told so after some time."""
    monkeypatch.setattr("fastapi_esdb.embedded.calls.HALF_CLOSE_TIMEOUT", 0.05)
    call = client.open(method)
    await call.send(REQUESTS[method.path])
    with pytest.raises(InvalidArgument, match="half-closed"):
        await call.all()


@pytest.mark.parametrize("method", [READ, DELETE, GOSSIP])
async def test_a_second_request(client: BareClient, method: Method[Any, Any]) -> None:
    """A unary call has one request, and does nothing when it gets two."""
    request = REQUESTS[method.path]
    with pytest.raises(InvalidArgument, match="got more"):
        await client.call(method, request, request)


async def test_an_error_waits_for_what_is_being_sent(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that fails at its first request still takes the others, so that its client learns why it failed."""
    monkeypatch.setattr("fastapi_esdb.embedded.calls.DRAIN_TIMEOUT", PATIENCE)
    with pytest.raises(InvalidArgument, match="options"):
        await client.call(APPEND, *(event(data=b"x" * 100_000) for _ in range(50)))
