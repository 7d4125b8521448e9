"""Answers to appends that can't be understood: what was sent may have been written, and nothing else is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fastapi_esdb import NewEvent, StreamAppend, connect
from fastapi_esdb.errors import AppendClosedInFlight, AppendOutcomeUnknown, OutcomeUnknown
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.operations import START_SCAVENGE
from fastapi_esdb.wire.errors import NoAnswer, WrongExpectedRevision
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
from tests.support.fake_server import Call, FakeServer, Script, fails, replies
from tests.support.waiting import PATIENCE

Message = Any


def answer(fill: Callable[[Message, Message], None]) -> Script:
    """Answers each append with what `fill` makes of its request and an empty answer; the call stays open."""

    async def script(call: Call) -> None:
        while data := await call.receive():
            message = BATCH_APPEND.response.message()
            fill(BATCH_APPEND.request.message.FromString(data), message)
            await call.send(message.SerializeToString())
        await call.gone.wait()

    return script


def success(message: Message) -> None:
    message.success.current_revision = 0
    message.success.no_position.SetInParent()


def without_id(_: Message, message: Message) -> None:
    success(message)


def with_an_odd_id(_: Message, message: Message) -> None:
    success(message)
    message.correlation_id.string = "no id"


def with_another_id(_: Message, message: Message) -> None:
    success(message)
    message.correlation_id.string = "00000000-0000-0000-0000-0000000000ff"


def as_a_failure_without_id(_: Message, message: Message) -> None:
    message.error.message = "Server Is Not Ready"


def empty(request: Message, message: Message) -> None:
    message.correlation_id.CopyFrom(request.correlation_id)


def without_revision(request: Message, message: Message) -> None:
    empty(request, message)
    message.success.no_position.SetInParent()


def beyond_all_revisions(request: Message, message: Message) -> None:
    empty(request, message)
    message.success.current_revision = 2**63


def with_unreadable_details(request: Message, message: Message) -> None:
    empty(request, message)
    message.error.details.type_url = "type.googleapis.com/event_store.client.WrongExpectedVersion"
    message.error.details.value = b"\xff\xff"


ODD = [
    without_id,
    with_an_odd_id,
    with_another_id,
    as_a_failure_without_id,
    empty,
    without_revision,
    beyond_all_revisions,
    with_unreadable_details,
]


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as running:
        yield running


def connected(server: FakeServer, mode: AppendMode) -> Any:
    return connect(EsdbSettings(connection_string=server.connection_string, append_mode=mode))


async def refused(appending: Any) -> AppendOutcomeUnknown:
    """What the append ends with, at once: no time-out is waited for."""
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await asyncio.wait_for(appending, PATIENCE)
    assert not isinstance(caught.value, AppendClosedInFlight), "nobody closed it"
    assert isinstance(caught.value.__cause__, NoAnswer)
    return caught.value


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.__name__)
async def test_in_a_shared_call(server: FakeServer, odd: Callable[[Message, Message], None]) -> None:
    """Whatever is odd about the answer: its id, its outcome, its details."""
    server.on(BATCH_APPEND, answer(odd))
    async with connected(server, AppendMode.SHARED) as esdb:
        event = NewEvent("T", {})
        assert (await refused(esdb.append("s", event, timeout=PATIENCE))).ids == (event.id,)


@pytest.mark.parametrize("data", [b"", b"\x0a\x00", b"\xff\xff"], ids=["empty", "no revision", "no message"])
async def test_in_a_call_of_its_own(server: FakeServer, data: bytes) -> None:
    """An empty answer is no success."""
    server.on(APPEND, replies(data))
    async with connected(server, AppendMode.SINGLE) as esdb:
        await refused(esdb.append("s", NewEvent("T", {}), timeout=PATIENCE))


@pytest.mark.parametrize("data", [b"", b"\xff\xff"], ids=["empty", "no message"])
async def test_in_a_group(server: FakeServer, data: bytes) -> None:
    """All who are in it hear of it."""
    server.on(APPEND_RECORDS, replies(data))
    async with connected(server, AppendMode.GROUPED) as esdb:
        await asyncio.gather(*(refused(esdb.append(f"s-{n}", NewEvent("T", {}), timeout=PATIENCE)) for n in range(3)))


@pytest.mark.parametrize("data", [b"", b"\xff\xff"], ids=["empty", "no message"])
async def test_to_several_streams(server: FakeServer, data: bytes) -> None:
    """An answer that tells no revision is none."""
    server.on(APPEND_RECORDS, replies(data))
    server.on(APPEND_SESSION, replies(data))
    async with connected(server, AppendMode.SHARED) as esdb:
        await refused(esdb.append_records([("s", NewEvent("T", {}))]))
        await refused(esdb.append_streams([StreamAppend("s", NewEvent("T", {}))]))


async def test_a_conflict_that_tells_nothing(server: FakeServer) -> None:
    """Is a conflict, with revisions that are not known."""
    server.on(APPEND, replies(b"\x12\x00"))
    async with connected(server, AppendMode.SINGLE) as esdb:
        with pytest.raises(WrongExpectedRevision) as caught:
            await esdb.append("s", NewEvent("T", {}), expected=3)
        assert (caught.value.expected, caught.value.actual) == (None, None)


async def test_one_answer_that_cannot_be_read(server: FakeServer) -> None:
    """Is that of one append: the call goes on for the others."""

    def odd_for_some(request: Message, message: Message) -> None:
        empty(request, message)
        if request.options.stream_identifier.stream_name == b"good":
            success(message)

    server.on(BATCH_APPEND, answer(odd_for_some))
    async with connected(server, AppendMode.SHARED) as esdb:
        await esdb.append("good", NewEvent("T", {}))
        await refused(esdb.append("odd", NewEvent("T", {})))
        await esdb.append("good", NewEvent("T", {}))


async def test_other_writes(server: FakeServer) -> None:
    """A number that no name is known for leaves their outcome open as well."""
    message = START_SCAVENGE.response.message(scavenge_id="s", scavenge_result=99)
    server.on(START_SCAVENGE, replies(message.SerializeToString()))
    async with connected(server, AppendMode.SHARED) as esdb:
        with pytest.raises(OutcomeUnknown):
            await esdb.operations.start_scavenge()


async def test_a_call_that_ends_without_an_error(server: FakeServer) -> None:
    """And without an answer."""
    server.on(BATCH_APPEND, fails(0))
    async with connected(server, AppendMode.SHARED) as esdb:
        await refused(esdb.append("s", NewEvent("T", {}), timeout=PATIENCE))
