"""Appending to a server."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import BaseModel

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import (
    InvalidArgument,
    MaximumAppendSizeExceeded,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, StreamState
from fastapi_esdb.wire.streams.values import NothingAppended
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE

pytestmark = OVER_BOTH


@pytest.fixture(params=AppendMode)
def append_mode(request: pytest.FixtureRequest) -> AppendMode:
    """Each of them."""
    mode: AppendMode = request.param
    return mode


def events(count: int) -> list[NewEvent]:
    return [NewEvent("Counted", {"n": number}) for number in range(count)]


def connected(server: EmbeddedServer, append_mode: AppendMode) -> AbstractAsyncContextManager[Connection]:
    return connect(EsdbSettings(connection_string=server.connection_string, append_mode=append_mode))


class Order(BaseModel):
    number: int


async def test_what_is_appended_can_be_read(esdb: Connection, append_mode: AppendMode) -> None:
    """Every part of the event, and when and where it was stored."""
    event = NewEvent("OrderPlaced", {"order": 1}, {"$correlationId": "c-1"})
    result = await esdb.append("order-1", event)
    (found,) = await esdb.read("order-1").to_list()
    assert (found.id, found.type, found.json()) == (event.id, "OrderPlaced", {"order": 1})
    added = {"$schema.name": "OrderPlaced", "$schema.format": "Json"} if append_mode is AppendMode.GROUPED else {}
    assert found.json_metadata() == {"$correlationId": "c-1", **added}
    assert (found.stream, found.revision, found.position) == ("order-1", result.revision, result.position)
    assert found.created.utcoffset() is not None


@pytest.mark.parametrize("timeout", [1e10, 1e300])
async def test_a_timeout_may_be_as_long_as_one_likes(esdb: Connection, timeout: float) -> None:
    """In every mode, and for other calls."""
    assert (await esdb.append("s", events(1), timeout=timeout)).revision == 0
    assert len(await esdb.read("s", timeout=timeout).to_list()) == 1


async def test_several_events_are_appended_together(esdb: Connection) -> None:
    """In order; the result tells the last one."""
    given = events(3)
    result = await esdb.append("s", iter(given))
    found = await esdb.read("s").to_list()
    assert [event.id for event in found] == [event.id for event in given]
    assert (result.revision, result.position) == (2, found[-1].position)


async def test_data_keeps_its_form(esdb: Connection) -> None:
    """Bytes, a pydantic model, JSON; other content types come back as bytes, as servers keep no more."""
    given = [
        NewEvent("A", b"\x00\xff"),
        NewEvent("B", Order(number=7)),
        NewEvent("C", b'{"n":1}', content_type=JSON),
        NewEvent("D", b"plain", content_type="text/plain"),
        NewEvent("E", b"{not json", content_type=JSON),
    ]
    await esdb.append("s", given)
    found = await esdb.read("s").to_list()
    assert [event.data for event in found] == [event.data for event in given]
    assert [event.content_type for event in found] == [OCTET_STREAM, JSON, JSON, OCTET_STREAM, JSON]


@pytest.mark.parametrize("expected", [ANY, NO_STREAM])
async def test_a_new_stream(esdb: Connection, expected: StreamState) -> None:
    """May be appended to if nothing else is expected."""
    assert (await esdb.append("s", events(2), expected)).revision == 1


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS, 1])
async def test_a_stream_that_is_where_it_should_be(esdb: Connection, expected: int | StreamState) -> None:
    """Whether the expectation is loose or exact."""
    await esdb.append("s", events(2))
    assert (await esdb.append("s", events(1), expected)).revision == 2


@pytest.mark.parametrize("expected", [NO_STREAM, 0, 5])
async def test_a_stream_that_is_elsewhere(esdb: Connection, expected: int | StreamState) -> None:
    """The error has what was expected and what is, and nothing is written."""
    await esdb.append("s", events(2))
    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.append("s", events(1), expected)
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("s", expected, 1)
    assert len(await esdb.read("s").to_list()) == 2


@pytest.mark.parametrize("expected", [STREAM_EXISTS, 0])
async def test_a_stream_that_is_missing(esdb: Connection, expected: int | StreamState) -> None:
    """Has no revision at all."""
    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.append("s", events(1), expected)
    assert caught.value.actual is NO_STREAM


async def test_only_one_of_many_wins(esdb: Connection) -> None:
    """The expectation is checked and the events written in one step."""
    tries = [esdb.append("s", events(1), NO_STREAM) for _ in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, WrongExpectedRevision) for outcome in outcomes) == 19
    assert len(await esdb.read("s").to_list()) == 1


async def test_the_same_events_again_are_recognised(esdb: Connection) -> None:
    """By their ids under the same exact expectation: the answer is the first one's."""
    given = events(2)
    first = await esdb.append("s", given, NO_STREAM)
    await esdb.append("s", events(1), 1)
    assert await esdb.append("s", given, NO_STREAM, retry_unknown=True) == first
    assert len(await esdb.read("s").to_list()) == 3


async def test_nothing_may_be_appended(esdb: Connection) -> None:
    """It checks the expectation and tells where the stream is."""
    assert await esdb.append("s", [], NO_STREAM) == NothingAppended(-1, None)
    assert not isinstance(await esdb.append("s", events(2)), NothingAppended)
    assert await esdb.append("s", [], 1) == NothingAppended(1, None)
    assert await esdb.append("s", [], 1, retry_unknown=True) == NothingAppended(1, None)
    with pytest.raises(WrongExpectedRevision):
        await esdb.append("s", [], 7)


@pytest.mark.parametrize("retry_unknown", [False, True])
async def test_a_tombstoned_stream_takes_nothing(esdb: Connection, retry_unknown: bool) -> None:
    """Whatever is expected."""
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted) as caught:
        await esdb.append("s", events(1), NO_STREAM, retry_unknown=retry_unknown)
    assert caught.value.stream == "s"


async def test_an_append_over_the_servers_limit(append_mode: AppendMode) -> None:
    """The error has the limit that the server told; nothing is written, and the connection stays."""
    async with EmbeddedServer(max_append_size=10_000) as server, connected(server, append_mode) as esdb:
        await esdb.wait_connected(PATIENCE)
        with pytest.raises(MaximumAppendSizeExceeded) as caught:
            await esdb.append("s", [NewEvent("Large", b"x" * 6_000), NewEvent("Large", b"x" * 6_000)])
        assert caught.value.maximum == 10_000
        assert (await esdb.append("s", NewEvent("Large", b"x" * 6_000))).revision == 0


async def test_an_event_of_20_megabytes(esdb: Connection) -> None:
    """More than the server receives in one message, which is refused before it counts; the connection stays."""
    with pytest.raises(MaximumAppendSizeExceeded):
        await esdb.append("s", NewEvent("Large", b"x" * 20_000_000), timeout=PATIENCE)
    with pytest.raises(StreamNotFound):
        await esdb.read("s").to_list()
    assert (await esdb.append("s", events(1))).revision == 0


@pytest.mark.parametrize("name", ["line\nbreak", "tab\tbell\x07nul\x00", "bestellung-ü", "a b", "%41", "日本"])
async def test_a_stream_with_an_odd_name(esdb: Connection, name: str) -> None:
    """Any text is a name, in errors, too; an event type may be as odd."""
    await esdb.append(name, NewEvent(name, {}))
    (found,) = await esdb.read(name).to_list()
    assert (found.stream, found.type) == (name, name)
    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.append(name, events(1), 5)
    assert caught.value.stream == name
    with pytest.raises(WrongExpectedRevision):
        await esdb.delete(name, 5)


BAD: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    (("", []), {}, "stream must be a text"),
    (("$all", []), {}, "stream '\\$all' is the log of all events"),
    (("s", {"n": 1}), {}, "events must be a NewEvent or several of them, not dict"),
    (("s", ["text"]), {}, "events must be a NewEvent or several of them, not str"),
    (("s", 5), {}, "events must be a NewEvent or several of them, not int"),
    (("s", None), {}, "events must be a NewEvent or several of them, not NoneType"),
    (("s", [], -1), {}, "expected must be between 0 and"),
    (("s", [], None), {}, "expected must be ANY"),
    (("s", [], False), {}, "expected must be ANY"),
    (("s", []), {"timeout": -1}, "timeout must be a number of seconds, 0 or more"),
]


@pytest.mark.parametrize(("args", "options", "message"), BAD)
async def test_bad_arguments_are_named(
    esdb: Connection, args: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    """Nothing is sent."""
    with pytest.raises(InvalidArgument, match=message):
        await esdb.append(*args, **options)


async def test_an_event_made_elsewhere(esdb: Connection) -> None:
    """What the protocol proposes is an event, too."""
    event = ProposedEvent(NewEvent("T", {}).id, "T", b"{}")
    assert (await esdb.append("s", event)).revision == 0
