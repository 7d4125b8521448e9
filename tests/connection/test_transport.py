"""What every transport does, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib import import_module
from time import monotonic

import pytest

from fastapi_esdb.connection import transports
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.grpcio.transport import open_grpcio
from fastapi_esdb.connection.http2.transport import open_http2
from fastapi_esdb.connection.transport import Call, DuplexCall, OpenTransport, RpcFailed, Transport
from fastapi_esdb.connection.transports import open_transport
from fastapi_esdb.settings.choices import TransportKind
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.errors import NoAnswer
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.status.codes import StatusCode
from tests.support.processes import python
from tests.support.scripted import FOLLOW, READ, TALK, ScriptedServer
from tests.support.transports import OVER_BOTH, OVER_GRPCIO
from tests.support.waiting import PATIENCE, until

HEADERS = CallHeaders()
OPENED: Mapping[TransportKind, OpenTransport] = {TransportKind.GRPCIO: open_grpcio, TransportKind.HTTP2: open_http2}
"""That they are what the interface says is checked with the types."""


@pytest.fixture
async def opened(server: ScriptedServer) -> AsyncIterator[Transport]:
    transport = await open_transport(
        Host("127.0.0.1", server.port), ConnectionOptions(tls=False), Deadline.after(PATIENCE)
    )
    yield transport
    await transport.close()


@OVER_GRPCIO
def test_the_settings_choose_by_name() -> None:
    """Each kind has its own module, which is loaded when it is chosen."""
    chosen = {kind: getattr(import_module(module), name) for kind, (module, name) in transports._OPENED_BY.items()}
    assert chosen == OPENED


@OVER_BOTH
async def test_a_process_that_a_test_starts_uses_the_same(transport: TransportKind) -> None:
    """Apps and scripts are looked at over either transport, too."""
    code = "import tests; from fastapi_esdb.connection import transports; print(transports._OPENED_BY['grpcio'])"
    async with python("-c", code) as running:
        await running.until(transports._OPENED_BY[transport][0])


@OVER_BOTH
async def test_one_answer(opened: Transport) -> None:
    """Bytes go out, bytes come back."""
    request = READ.encode_request("hello")
    assert await opened.unary(READ.path, request, PATIENCE, HEADERS).answer() == request


@OVER_BOTH
async def test_a_ping_is_no_call(opened: Transport, server: ScriptedServer, transport: TransportKind) -> None:
    """It says how long the way there and back takes; grpcio can't send one on demand."""
    seconds = await opened.ping(Deadline.after(PATIENCE))
    assert (seconds is None) is (transport is TransportKind.GRPCIO)
    assert seconds is None or 0 < seconds < PATIENCE
    assert server.seen == []


@OVER_BOTH
async def test_a_status_is_raised_as_it_is(opened: Transport) -> None:
    """With code, text and trailers; the meaning is found above."""
    request = READ.encode_request("fail ABORTED no")
    with pytest.raises(RpcFailed, match="ABORTED: no") as caught:
        await opened.unary(READ.path, request, PATIENCE, HEADERS).answer()
    assert (caught.value.code, caught.value.details) == (StatusCode.ABORTED, "no")


@OVER_BOTH
async def test_answers_stream_until_there_are_none(opened: Transport) -> None:
    """As bytes; the end is an empty batch, however often one asks."""
    call = opened.server_stream(FOLLOW.path, FOLLOW.encode_request("count 300"), None, HEADERS)
    answers: list[str] = []
    while batch := await call.read():
        answers.extend(FOLLOW.decode_answers(batch))
    assert answers == [str(number) for number in range(300)]
    assert not await call.read()


@OVER_BOTH
async def test_some_calls_say_at_once_that_they_are_over(opened: Transport, transport: TransportKind) -> None:
    """With the last answers that are taken; over grpcio the end is told by another read."""
    call = opened.server_stream(FOLLOW.path, FOLLOW.encode_request("count 300"), None, HEADERS)
    assert not call.is_over
    came = 0
    while came < 300:
        came += len(await call.read(least=301))
        assert call.is_over is (came == 300 and transport is TransportKind.HTTP2)
    assert not await call.read()


@OVER_BOTH
async def test_answers_that_wait_for_others(opened: Transport) -> None:
    """They come together if there are enough of them in time; fewer come when the first has waited for long enough."""
    requests = [FOLLOW.encode_request(text) for text in ("hold 3", "hold 2")]
    enough, few = [opened.server_stream(FOLLOW.path, request, None, HEADERS) for request in requests]
    assert len(await enough.read(least=3, linger=PATIENCE)) == 3
    came = 0
    while came < 2:
        came += len(await few.read(monotonic() + PATIENCE, least=3, linger=0.001))
    enough.cancel()
    few.cancel()


@OVER_BOTH
async def test_a_conversation(opened: Transport) -> None:
    """Requests and answers in turn. What is written after a good end says that there is no answer."""
    call = opened.duplex(TALK.path, None, HEADERS)
    for text in ("one", "two"):
        await call.write(TALK.encode_request(text))
        assert TALK.decode_answers(await call.read()) == [text]
    await call.write(TALK.encode_request("end"))
    assert not await call.read()
    with pytest.raises(NoAnswer):
        await call.write(TALK.encode_request("three"))


def exchanged(transport: Transport, texts: list[str]) -> tuple[DuplexCall, asyncio.Task[list[str]]]:
    """A call that sends the texts, also those that are added later, and a task whose result is the answers."""
    call, answers = transport.duplex(TALK.path, None, HEADERS), list[str]()

    async def carried() -> list[str]:
        await call.exchange(lambda: TALK.encode_request(texts.pop(0)) if texts else None, take)
        return answers

    def take(messages: Sequence[bytes]) -> None:
        answers.extend(TALK.decode_answer(message) for message in messages)

    return call, asyncio.ensure_future(carried())


@OVER_BOTH
async def test_an_exchange(opened: Transport) -> None:
    """Requests leave as soon as there are some, and answers are handed over as they come, until the call ends."""
    texts = ["one", "two"]
    call, carried = exchanged(opened, texts)
    await until(lambda: not texts)
    texts += ["three", "end"]
    call.send_more()
    async with asyncio.timeout(PATIENCE):
        assert await carried == ["one", "two", "three"]
    texts.append("four")
    call.send_more()
    assert texts == ["four"], "nothing is asked for that could not be sent"


@OVER_BOTH
@pytest.mark.parametrize(("text", "raised"), [("fail ABORTED no", "ABORTED: no"), ("garbage", "DecodeError")])
async def test_an_exchange_that_breaks_off(opened: Transport, text: str, raised: str) -> None:
    """Raises what the call has ended with, and what was raised by whoever took an answer."""
    _, carried = exchanged(opened, [text])
    with pytest.raises(Exception, match=raised) as caught:
        await asyncio.wait_for(carried, PATIENCE)
    assert isinstance(caught.value, RpcFailed | NoAnswer)


@OVER_BOTH
async def test_an_exchange_that_is_given_up(opened: Transport, server: ScriptedServer) -> None:
    """Ends the call on the server, and leaves no task."""
    call, carried = exchanged(opened, ["wait"])
    await until(lambda: sum(server.active.values()))
    carried.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carried
    call.cancel()
    await until(lambda: not sum(server.active.values()))
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "esdb-requests"]


def begun(transport: Transport, kind: str) -> tuple[Call, asyncio.Task[object]]:
    """A call, and a task that waits for its answer, which does not come."""
    if kind == "unary":
        unary = transport.unary(READ.path, READ.encode_request("wait"), PATIENCE, HEADERS)
        return unary, asyncio.ensure_future(unary.answer())
    if kind == "server stream":
        request = FOLLOW.encode_request("hold 0")
        stream = transport.server_stream(FOLLOW.path, request, None, HEADERS)
        return stream, asyncio.ensure_future(stream.read())
    duplex = transport.duplex(TALK.path, None, HEADERS)
    return duplex, asyncio.ensure_future(duplex.read())


@OVER_BOTH
@pytest.mark.parametrize("kind", ["unary", "server stream", "duplex"])
async def test_a_cancelled_call(opened: Transport, server: ScriptedServer, kind: str) -> None:
    """It ends on the server, and whoever waits for it is told, without being cancelled."""
    call, waiting = begun(opened, kind)
    await until(lambda: sum(server.active.values()))
    call.cancel()
    call.cancel()
    with pytest.raises(RpcFailed) as caught:
        await waiting
    assert caught.value.code is StatusCode.CANCELLED
    await until(lambda: not sum(server.active.values()))


@OVER_BOTH
async def test_closing_ends_everything(opened: Transport) -> None:
    """The connection is lost for whoever watches it; closing again does no harm."""
    await opened.unary(READ.path, READ.encode_request("hello"), PATIENCE, HEADERS).answer()
    watching = asyncio.create_task(opened.wait_lost())
    await asyncio.sleep(0)
    assert not watching.done()
    await opened.close()
    await asyncio.wait_for(watching, PATIENCE)
    await opened.close()
