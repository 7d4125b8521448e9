"""Input that is wrong or odd: each has an error of its own, or none, and the connection is as good as before."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from fastapi_esdb import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Connection,
    InvalidArgument,
    NewEvent,
    Position,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedRevision,
)
from fastapi_esdb.errors import MaximumAppendSizeExceeded
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.revisions import Expected

MEGABYTE = 2**20
ODD_NAMES = {
    "control characters": "a\x00b\x01\n\r\t\x1b[31m\x7f",
    "unicode": "Bestellung-ä-注文-🛒-\u202e",
    "blanks": " \u00a0 ",
    "slashes": "../../etc/passwd?x=1&y=%00#z",
    "very long": "n" * 4_096,
}
SURROGATE = "half-\ud800"


def event(data: Any = None) -> NewEvent:
    return NewEvent("Tried", data)


@pytest.fixture
async def esdb(esdb_connection: Connection) -> AsyncIterator[Connection]:
    """A connection that works after the test, too, and is still the same one."""
    yield esdb_connection
    await esdb_connection.append("afterwards", event())
    assert len(await esdb_connection.read("afterwards").to_list()) == 1
    assert esdb_connection.pool.stats()["disconnects_total"] == 0
    assert esdb_connection.pool.stats()["calls_in_flight"] == 0


@pytest.mark.parametrize("expected", [ANY, NO_STREAM])
async def test_an_event_of_20_megabytes(esdb: Connection, expected: Expected) -> None:
    """It is too large for a server, whose refusal is known for what it is: nothing was written."""
    with pytest.raises(MaximumAppendSizeExceeded):
        await esdb.append("s", event(bytes(20 * MEGABYTE)), expected)
    with pytest.raises(StreamNotFound):
        await esdb.read("s").to_list()


async def test_an_event_that_just_fits(esdb: Connection) -> None:
    """It is stored and read back whole."""
    data = bytes(15 * MEGABYTE)
    await esdb.append("s", event(data))
    (found,) = await esdb.read("s").to_list()
    assert found.data == data


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
async def test_an_odd_name(esdb: Connection, name: str) -> None:
    """Servers take any text as the name of a stream or a type, and give it back as it was."""
    await esdb.append(name, NewEvent(name, {}), NO_STREAM)
    (found,) = await esdb.read(name).to_list()
    assert (found.stream, found.type) == (name, name)
    async with esdb.subscribe(name) as events:
        assert (await anext(events)).id == found.id
    with pytest.raises(WrongExpectedRevision):
        await esdb.append(name, event(), NO_STREAM)
    with pytest.raises(WrongExpectedRevision):
        await esdb.delete(name, 7)
    await esdb.tombstone(name, 0)
    with pytest.raises(StreamDeleted):
        await esdb.read(name).to_list()


async def test_a_name_that_is_too_long(esdb: Connection) -> None:
    """The longest name is one of those above; of one character more the embedded server says how long it may be."""
    name = ODD_NAMES["very long"] + "n"
    for call in (esdb.append(name, event()), esdb.delete(name), esdb.tombstone(name)):
        with pytest.raises(InvalidArgument, match="has 4097 bytes as UTF-8: it may have 4096"):
            await call
    with pytest.raises(StreamNotFound):
        await esdb.read(name).to_list()


@pytest.mark.parametrize("name", ["", SURROGATE, None, 7, b"s"], ids=repr)
async def test_a_name_that_is_none(esdb: Connection, name: Any) -> None:
    """It is refused before anything is sent, wherever it is given."""
    calls = esdb.pool.stats()["calls_total"]
    for call in (esdb.append(name, event()), esdb.delete(name), esdb.tombstone(name), esdb.get_metadata(name)):
        with pytest.raises(InvalidArgument, match="stream"):
            await call
    for begin in (esdb.read, esdb.subscribe):
        with pytest.raises(InvalidArgument, match="stream"):
            begin(name)
    assert esdb.pool.stats()["calls_total"] == calls


NOT_JSON = {
    "NaN": float("nan"),
    "object": object(),
    "surrogate": SURROGATE,
    "bytes": {"at": b"\xff"},
    "deep": {"at": [{"at": object()}]},
}


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON)
def test_data_that_is_no_json(data: Any) -> None:
    """The event says so when it is made."""
    with pytest.raises(InvalidArgument, match=r"'Tried'.*data"):
        event(data)


async def test_bytes_that_only_claim_to_be_json(esdb: Connection) -> None:
    """They are stored as they are, as servers do; who parses them gets the parser's error."""
    broken = b'{"number": \xff'
    await esdb.append("s", NewEvent("Tried", broken, content_type=JSON))
    (found,) = await esdb.read("s").to_list()
    assert (found.data, found.content_type) == (broken, JSON)
    with pytest.raises(ValueError, match="utf-8"):
        found.json()


@pytest.mark.parametrize(("expected", "actual"), [(NO_STREAM, 1), (0, 1), (7, 1)])
async def test_an_expectation_that_fails(esdb: Connection, expected: Expected, actual: Expected) -> None:
    """The error says what was expected and what is, and nothing was written."""
    await esdb.append("s", [event(), event()])
    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.append("s", event(), expected)
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("s", expected, actual)
    assert len(await esdb.read("s").to_list()) == 2


@pytest.mark.parametrize("expected", [STREAM_EXISTS, 0])
async def test_a_stream_that_should_be_there(esdb: Connection, expected: Expected) -> None:
    """The error says that it is not."""
    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.append("s", event(), expected)
    assert caught.value.actual is NO_STREAM


WRONG: dict[str, tuple[Callable[[Connection], Awaitable[object]], str]] = {
    "negative expectation": (lambda esdb: esdb.append("s", event(), -1), "expected"),
    "huge expectation": (lambda esdb: esdb.append("s", event(), 2**63), "expected"),
    "no expectation": (lambda esdb: esdb.append("s", event(), None), "expected"),  # type: ignore[arg-type]  # the mistake
    "true as expectation": (lambda esdb: esdb.append("s", event(), True), "expected"),
    "negative start": (lambda esdb: esdb.read("s", start=-1).to_list(), "start"),
    "huge start": (lambda esdb: esdb.read("s", start=2**63).to_list(), "start"),
    "negative limit": (lambda esdb: esdb.read("s", limit=-1).to_list(), "limit"),
    "negative position": (lambda esdb: esdb.read_all(start=Position(-1, -1)).to_list(), "start"),
    "no time": (lambda esdb: esdb.ping(float("nan")), "timeout"),
    "no time at all": (lambda esdb: esdb.append("s", event(), timeout=-1), "timeout"),
    "no event": (lambda esdb: esdb.append("s", ["Tried"]), "NewEvent"),  # type: ignore[list-item]  # the mistake
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_argument_out_of_bounds(esdb: Connection, wrong: str) -> None:
    """The error names it, and nothing is sent."""
    make, name = WRONG[wrong]
    with pytest.raises(InvalidArgument, match=name):
        await make(esdb)


@pytest.mark.parametrize("id", ["no uuid", uuid.UUID(int=0)])
def test_an_id_that_is_none(id: Any) -> None:  # noqa: A002  the argument's name
    """The event says so when it is made."""
    with pytest.raises(InvalidArgument, match="id"):
        NewEvent("Tried", {}, id=id)


async def test_many_events_at_once(esdb: Connection) -> None:
    """A thousand in one append are one append."""
    result = await esdb.append("s", [event(number) for number in range(1_000)])
    found = await esdb.read("s").to_list()
    assert result.revision == 999
    assert [json.loads(one.data) for one in found] == list(range(1_000))
