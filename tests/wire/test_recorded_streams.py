"""What real servers answered, through our converters: every response of the streams, gossip and features services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fastapi_esdb.wire.appends import APPEND
from fastapi_esdb.wire.batches import BATCH_APPEND
from fastapi_esdb.wire.cluster import GOSSIP, SUPPORTED_METHODS, ClusterInfo, Member, NodeState, SupportedMethods
from fastapi_esdb.wire.deletes import DELETE, TOMBSTONE
from fastapi_esdb.wire.errors import CallerError, ServerTimeout, StreamDeleted, WrongExpectedRevision
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.reads import READ
from fastapi_esdb.wire.records import (
    JSON,
    LINK_TYPE,
    NO_STREAM,
    OCTET_STREAM,
    STREAM_EXISTS,
    Position,
    RecordedEvent,
)
from fastapi_esdb.wire.requests import (
    AppendConflict,
    AppendResult,
    BatchAnswer,
    BatchFragment,
    CaughtUp,
    Checkpoint,
    DeleteResult,
    FirstRevision,
    LastRevision,
    ReadRequest,
    StreamMissing,
    StructuredIds,
    SubscriptionConfirmed,
)
from fastapi_esdb.wire.scalars import decode_ticks
from tests.conformance.fixtures import FIRST_POSITION, TICKS, VERSIONS, Exchange, exchanges, to_message, uuid_of
from tests.wire.errors import told

METHODS: dict[str, Method[Any, Any]] = {
    method.path.removeprefix("/"): method
    for method in (READ, APPEND, DELETE, TOMBSTONE, BATCH_APPEND, GOSSIP, SUPPORTED_METHODS)
}
EXCHANGES = [exchange for exchange in exchanges() if exchange.rpc in METHODS]
ANSWERED = [exchange for exchange in EXCHANGES if exchange.responses]
ASKED = [exchange for exchange in EXCHANGES if exchange.requests]

TIME = decode_ticks(TICKS)


def position(number: int) -> Position:
    """The position that stands for `@position#number`."""
    return Position(FIRST_POSITION + number, FIRST_POSITION + number)


def answers(exchange: Exchange) -> list[Any]:
    """The values that a caller gets for the recorded responses."""
    codec = METHODS[exchange.rpc].response
    return [codec.decode(to_message(codec.message, response)) for response in exchange.responses]


def wants_structured_ids(exchange: Exchange) -> bool:
    return any("structured" in request["options"].get("uuid_option", {}) for request in exchange.requests)


@pytest.mark.parametrize("exchange", ANSWERED, ids=str)
def test_nothing_that_a_server_answers_gets_lost(exchange: Exchange) -> None:
    """Each recorded response, read and written again, is the same message, field by field."""
    codec = METHODS[exchange.rpc].response
    structured = exchange.rpc == "event_store.client.streams.Streams/Read" and wants_structured_ids(exchange)
    for response in exchange.responses:
        message = to_message(codec.message, response)
        value = codec.decode(message)
        again = StructuredIds(value) if structured and isinstance(value, RecordedEvent) else value
        assert codec.encode(again) == message


@pytest.mark.parametrize("exchange", ASKED, ids=str)
def test_what_a_server_takes_is_taken_here(exchange: Exchange) -> None:
    """A request is refused only if the real server failed it, too; any other is read with all that it asks."""
    codec = METHODS[exchange.rpc].request
    for request in exchange.requests:
        message = to_message(codec.message, request)
        try:
            value = codec.decode(message)
        except CallerError:
            assert exchange.status is not None
            assert exchange.status["code"] in {"INVALID_ARGUMENT", "UNKNOWN"}
        else:
            assert asks_the_same(value, message, codec.encode(value))


def asks_the_same(value: Any, message: Any, again: Any) -> bool:
    """Whether the request came out whole.

    Two things are meant to differ: an absolute deadline goes out as a relative one, and the options for
    compatibility 0 are left out.
    """
    if isinstance(value, BatchFragment) and value.options and value.options.deadline is not None:
        assert value.options.deadline < 0
        message.options.ClearField("deadline_21_10_0")
        again.options.ClearField("deadline")
    if isinstance(value, ReadRequest) and value.compatibility == 0:
        message.options.ClearField("control_option")
    return bool(again == message)


def of(version: str, scenario: str, file: str, step: int) -> list[Any]:
    """The values that a caller gets in that step."""
    found = [e for e in exchanges(file) if (e.version, e.scenario, e.step) == (version, scenario, step)]
    return answers(found[0])


def event(number: int, stream: str, place: int, name: str, **changes: Any) -> RecordedEvent:
    """An event of a scenario as a caller should see it."""
    fields: dict[str, Any] = {
        "id": uuid_of(name),
        "stream": f"{stream}-run",
        "revision": number,
        "type": "T",
        "data": json.dumps({"n": int(name[1:])}, separators=(",", ":")).encode() if name[1:].isdigit() else b"",
        "metadata": b"",
        "content_type": JSON,
        "created": TIME,
        "position": position(place),
    }
    return RecordedEvent(**(fields | changes))


def link(number: int, place: int, name: str, target: bytes, **changes: Any) -> RecordedEvent:
    """A link of the scenarios about links."""
    fields: dict[str, Any] = {"type": LINK_TYPE, "content_type": OCTET_STREAM, "data": target}
    return event(number, "l", place, name, **(fields | changes))


def lost(number: int, place: int, name: str, target: bytes) -> RecordedEvent:
    """A link without a target."""
    return link(number, place, name, target, link=link(number, place, name, target))


MEANINGS: dict[tuple[str, str, int], list[Any]] = {
    ("append", "append_to_new_stream_any", 0): [AppendResult(1, position(1))],
    ("append", "append_no_stream_twice", 1): [AppendConflict(NO_STREAM, 0)],
    ("append", "append_exact_revision", 2): [AppendConflict(1, 2)],
    ("append", "append_stream_exists", 0): [AppendConflict(STREAM_EXISTS, NO_STREAM)],
    ("append", "append_revision_to_missing", 0): [AppendConflict(0, NO_STREAM)],
    ("append", "append_empty", 0): [AppendResult(None, position(1))],
    ("delete", "tombstone", 1): [DeleteResult(position(2))],
    ("read_stream", "read_missing", 0): [StreamMissing("nope-run")],
    ("read_stream", "read_backwards", 1): [event(4, "a", 1, "e4"), event(3, "a", 2, "e3"), LastRevision(4)],
    ("links", "link_resolution", 2): [
        event(1, "a", 1, "e1", link=link(0, 3, "l1", b"1@a-run")),
        event(0, "a", 4, "e0", link=link(1, 2, "l2", b"0@a-run")),
        LastRevision(1),
    ],
    ("links", "link_to_nothing", 2): [
        lost(0, 3, "l1", b"7@a-run"),
        lost(1, 4, "l2", b"0@nope-run"),
        link(2, 2, "l3", b"rubbish"),
        LastRevision(2),
    ],
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("place", "values"), MEANINGS.items(), ids=[" ".join(map(str, place)) for place in MEANINGS])
def test_an_answer_is_what_a_caller_should_see(version: str, place: tuple[str, str, int], values: list[Any]) -> None:
    """Results, conflicts, events, links and frames of the recordings, as values written by hand."""
    file, scenario, step = place
    assert of(version, scenario, file, step) == values
