"""What real servers answered, through our converters: every response of the streams, gossip and features services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS, ClusterInfo, Member, NodeState, SupportedMethods
from fastapi_esdb.wire.codec.scalars import decode_ticks, decode_uuid
from fastapi_esdb.wire.errors import (
    InvalidArgument,
    MissingMetadata,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import NO_EVENT, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    AppendConflict,
    AppendResult,
    BatchAnswer,
    CaughtUp,
    Checkpoint,
    DeleteResult,
    FirstRevision,
    LastRevision,
    StreamMissing,
    StructuredIds,
    SubscriptionConfirmed,
)
from tests.conformance.fixtures import (
    FIRST_POSITION,
    TICKS,
    VERSIONS,
    Exchange,
    each_of,
    exchanges,
    to_message,
    uuid_of,
)
from tests.wire.comparing import told


def path(method: Method[Any, Any]) -> str:
    """The call's name in the recordings."""
    return method.path.removeprefix("/")


METHODS: dict[str, Method[Any, Any]] = {
    path(method): method for method in (READ, APPEND, DELETE, TOMBSTONE, BATCH_APPEND, GOSSIP, SUPPORTED_METHODS)
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


@each_of(ANSWERED)
def test_nothing_that_a_server_answers_gets_lost(exchange: Exchange) -> None:
    """Each recorded response, read and written again, is the same message, field by field."""
    codec = METHODS[exchange.rpc].response
    structured = exchange.rpc == path(READ) and wants_structured_ids(exchange)
    for response in exchange.responses:
        message = to_message(codec.message, response)
        value = codec.decode(message)
        again = StructuredIds(value) if structured and isinstance(value, RecordedEvent) else value
        assert codec.encode(again) == message


REFUSED = {
    ("append", "no_type", 0): MissingMetadata,
    ("append", "no_content_type", 0): MissingMetadata,
    ("append", "empty_stream_name", 0): InvalidArgument,
    ("read_all", "read_all_bad_filter", 0): InvalidArgument,
    ("read_stream", "read_bad_options", 0): InvalidArgument,
    ("read_stream", "read_bad_options", 1): InvalidArgument,
    ("read_stream", "read_bad_options", 2): InvalidArgument,
    ("read_stream", "read_bad_options", 3): InvalidArgument,
}
"""The requests that a server refuses for their form alone."""


@each_of(ASKED)
def test_what_a_server_takes_is_taken_here(exchange: Exchange) -> None:
    """A request is refused where the real server refused its form; any other is read with all that it asks."""
    codec = METHODS[exchange.rpc].request
    messages = [to_message(codec.message, request) for request in exchange.requests]
    refusal = REFUSED.get((exchange.file, exchange.scenario, exchange.step))
    if refusal:
        with pytest.raises(refusal):
            [codec.decode(message) for message in messages]
    else:
        values = [codec.decode(message) for message in messages]
        assert [plain(codec.encode(value)) for value in values] == [plain(message) for message in messages]


def plain(message: Any) -> Any:
    """The request without what is meant to go out in another form than it came in.

    That is the id of an event in halves, the absolute deadline of a batch, and compatibility 0.
    """
    if isinstance(message, pb.AppendReq) and message.proposed_message.id.HasField("structured"):
        message.proposed_message.id.string = str(decode_uuid(message.proposed_message.id))
    if isinstance(message, pb.BatchAppendReq):
        message.options.ClearField("deadline_option")
    if isinstance(message, pb.ReadReq) and not message.options.control_option.compatibility:
        message.options.ClearField("control_option")
    return message


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
    ("append", "append_empty", 0): [AppendResult(NO_EVENT, position(1))],
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


CONFIRMED = SubscriptionConfirmed("@subscription_id")

OF_VERSION: dict[tuple[str, str, str, int], list[Any]] = {
    ("24.6.0", "subscribe_stream", "subscribe_from_end", 2): [CONFIRMED, CaughtUp()],
    ("26.1.0", "subscribe_stream", "subscribe_from_end", 2): [CONFIRMED, CaughtUp(TIME, revision=1)],
    ("26.1.0", "subscribe_stream", "subscribe_missing_stream", 1): [CONFIRMED, CaughtUp(TIME)],
    ("26.1.0", "subscribe_all", "all_from_end_filtered", 2): [CONFIRMED, CaughtUp(TIME, position=position(1))],
    ("24.6.0", "subscribe_all", "all_after_position", 3): [
        CONFIRMED,
        event(1, "a", 2, "f0"),
        Checkpoint(position(2)),
    ],
    ("26.1.0", "subscribe_all", "all_after_position", 3): [
        CONFIRMED,
        event(1, "a", 2, "f0"),
        Checkpoint(position(2), TIME),
    ],
    ("26.1.0", "cluster", "gossip", 0): [
        ClusterInfo((Member(uuid_of("0"), TIME, NodeState.LEADER, True, "127.0.0.1", 0),))
    ],
}


@pytest.mark.parametrize(("place", "values"), OF_VERSION.items(), ids=[" ".join(map(str, p)) for p in OF_VERSION])
def test_what_newer_servers_tell_is_seen_and_not_missed_in_older_ones(
    place: tuple[str, str, str, int], values: list[Any]
) -> None:
    """24.6.0 is silent about when and where a subscription caught up; 26.1.0 tells it."""
    version, file, scenario, step = place
    assert of(version, scenario, file, step) == values


@pytest.mark.parametrize("version", VERSIONS)
def test_the_versions_of_the_servers_are_known(version: str) -> None:
    """The server names its version, and lists the calls that this client makes of it."""
    (supported,) = of(version, "supported_methods", "cluster", 0)
    assert isinstance(supported, SupportedMethods)
    assert supported.version == version
    features = {(method.service, method.name): method.features for method in supported.methods}
    assert features["event_store.client.streams.streams", "read"] == ("position", "events")
    assert ("event_store.client.streams.streams", "batchappend") in features


def batch_answers() -> Iterator[BatchAnswer]:
    for exchange in exchanges("batch_append"):
        if exchange.rpc == path(BATCH_APPEND):
            yield from answers(exchange)


def test_the_failed_batches_say_why() -> None:
    """Conflicts, a tombstoned stream and a deadline in the past are the answers of their batches, in both versions."""
    failures = [told(answer.result) for answer in batch_answers() if not isinstance(answer.result, AppendResult)]
    expected = [
        WrongExpectedRevision("a-run", NO_STREAM, 0),
        WrongExpectedRevision("a-run", 5, 0),
        StreamDeleted("a-run"),
        ServerTimeout(),
    ]
    assert failures == [told(error) for error in expected] * len(VERSIONS)


def test_the_batches_that_worked_name_themselves() -> None:
    """Each answer has the correlation id of its batch and the stream's last revision."""
    seen = [
        (answer.correlation_id, answer.stream, answer.result.revision)
        for answer in batch_answers()
        if isinstance(answer.result, AppendResult)
    ]
    first, second, third = uuid_of("c1"), uuid_of("c2"), uuid_of("c3")
    assert seen[: len(seen) // 2] == [
        (first, "a-run", 1),
        (third, "a-run", 1),
        (first, "a-run", 2),
        (first, "a-run", 0),
        (second, "b-run", 1),
        (first, "a-run", 1),
        (second, "a-run", 1),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_truncated_stream_tells_where_it_begins(version: str) -> None:
    """A read from before the first readable event says where that one is, if it is asked to."""
    read = [e for e in exchanges("metadata", "read_stream") if e.version == version and e.rpc == path(READ)]
    first = [value for exchange in read for value in answers(exchange) if isinstance(value, FirstRevision)]
    assert sorted(frame.revision for frame in first) == [2, 4, 4, 5, 5]
