from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_esdb.wire.codec.scalars import encode_timestamp
from fastapi_esdb.wire.errors import (
    AccessDenied,
    BatchFailed,
    EsdbError,
    InvalidArgument,
    InvalidTransaction,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
    MissingMetadata,
    NotSupported,
    Outcome,
    ServerBusy,
    ServerNotReady,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import shared_pb2, status_pb2
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY, NO_EVENT, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.streams.methods import BATCH_APPEND
from fastapi_esdb.wire.streams.requests import encode_batch
from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult, BatchAnswer, BatchFragment, BatchOptions
from tests.wire.comparing import check, told
from tests.wire.values import EXPECTED, NAMES, PROPOSED

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
AT = Position(9, 9)

GOOD_OPTIONS: dict[str, Any] = {"stream_identifier": {"stream_name": b"a"}, "any": {}}
GOOD_EVENT: dict[str, Any] = {"id": {"string": str(ID)}, "metadata": {"type": "T", "content-type": "x"}}

FRAGMENTS: list[tuple[BatchFragment, bytes]] = [
    (
        BatchFragment(ID, BatchOptions("a"), (ProposedEvent(ID, "T", b"{}"),)),
        (
            b'\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\x07\n\x03\x1a\x01a"\x00\x1aY\n&\x12$00112233-4'
            b"455-6677-8899-aabbccddeeff\x12 \n\x0ccontent-type\x12\x10application/json\x12\t\n\x04type\x12"
            b'\x01T"\x02{} \x01'
        ),
    ),
    (
        BatchFragment(ID, BatchOptions("a", 5, deadline=1.5), final=False),
        (
            b"\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\x11\n\x03\x1a\x01a\x10\x05:\x08\x08\x01\x10"
            b"\x80\xca\xb5\xee\x01"
        ),
    ),
    (
        BatchFragment(ID, BatchOptions("a", NO_STREAM, deadline=0.0)),
        b"\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\t\n\x03\x1a\x01a\x1a\x00:\x00 \x01",
    ),
    (
        BatchFragment(ID, BatchOptions("a", STREAM_EXISTS), final=False),
        b"\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\x07\n\x03\x1a\x01a*\x00",
    ),
    (
        BatchFragment(ID, structured_id=True),
        (b"\n\x16\n\x14\x08\xf7\xcc\xd5\xa2\xb4\xc6\xc8\x08\x10\xff\xdd\xf7\xe6\xbc\xd7\xea\xcc\x88\x01 \x01"),
    ),
]

ANSWERS: list[tuple[BatchAnswer, bytes]] = [
    (
        BatchAnswer(ID, "a", AppendResult(1, AT)),
        (b'\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x1a\x08\x08\x01\x1a\x04\x08\t\x10\t"\x03\x1a\x01a'),
    ),
    (
        BatchAnswer(ID, "a", AppendResult(NO_EVENT, None)),
        b'\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x1a\x04\x12\x00"\x00"\x03\x1a\x01a',
    ),
    (
        BatchAnswer(ID, "", AppendResult(0, AT), structured_id=True),
        (
            b"\n\x16\n\x14\x08\xf7\xcc\xd5\xa2\xb4\xc6\xc8\x08\x10\xff\xdd\xf7\xe6\xbc\xd7\xea\xcc\x88\x01"
            b"\x1a\x08\x08\x00\x1a\x04\x08\t\x10\t"
        ),
    ),
]

ERRORS: list[tuple[EsdbError, bytes]] = [
    (
        WrongExpectedRevision("a", 5, 2),
        (
            b"\x08\x06\x12\x14WrongExpectedVersion\x1aC\n;type.googleapis.com/event_store.client.WrongExpecte"
            b"dVersion\x12\x04\x08\x02\x18\x05"
        ),
    ),
    (
        WrongExpectedRevision("a", NO_STREAM, 0),
        (
            b"\x08\x06\x12\x14WrongExpectedVersion\x1aC\n;type.googleapis.com/event_store.client.WrongExpecte"
            b"dVersion\x12\x04\x08\x002\x00"
        ),
    ),
    (
        WrongExpectedRevision("a", STREAM_EXISTS, NO_STREAM),
        (
            b"\x08\x06\x12\x14WrongExpectedVersion\x1aC\n;type.googleapis.com/event_store.client.WrongExpecte"
            b"dVersion\x12\x04\x12\x00*\x00"
        ),
    ),
    (
        WrongExpectedRevision("a", ANY, None),
        (
            b"\x08\x06\x12\x14WrongExpectedVersion\x1aA\n;type.googleapis.com/event_store.client.WrongExpecte"
            b'dVersion\x12\x02"\x00'
        ),
    ),
    (
        WrongExpectedRevision("a", None, None),
        (b"\x08\x06\x12\x14WrongExpectedVersion\x1a=\n;type.googleapis.com/event_store.client.WrongExpectedVersion"),
    ),
    (
        StreamDeleted("a"),
        (
            b"\x08\x05\x12\rStreamDeleted\x1a=\n4type.googleapis.com/event_store.client.StreamDeleted\x12\x05"
            b"\n\x03\x1a\x01a"
        ),
    ),
    (AccessDenied(), (b"\x08\x07\x12\x0cAccessDenied\x1a5\n3type.googleapis.com/event_store.client.AccessDenied")),
    (ServerTimeout(), b"\x08\x04\x12\x07Timeout\x1a0\n.type.googleapis.com/event_store.client.Timeout"),
    (
        MaximumAppendSizeExceeded(1024),
        (
            b"\x08\x03\x12\x19MaximumAppendSizeExceeded\x1aG\n@type.googleapis.com/event_store.client.Maximum"
            b"AppendSizeExceeded\x12\x03\x08\x80\x08"
        ),
    ),
    (
        MaximumAppendSizeExceeded(None),
        (
            b"\x08\x03\x12\x19MaximumAppendSizeExceeded\x1aB\n@type.googleapis.com/event_store.client.Maximum"
            b"AppendSizeExceeded"
        ),
    ),
    (
        MaximumEventSizeExceeded("e", 5, 4),
        (
            b"\x08\x03\x12\x1eMaximumAppendEventSizeExceeded\x1aP\nEtype.googleapis.com/event_store.client.Ma"
            b"ximumAppendEventSizeExceeded\x12\x07\n\x01e\x10\x05\x18\x04"
        ),
    ),
    (
        InvalidArgument("no"),
        (b"\x08\x03\x12\nBadRequest\x1a9\n1type.googleapis.com/event_store.client.BadRequest\x12\x04\n\x02no"),
    ),
    (
        InvalidTransaction(),
        (b"\x08\x03\x12\x12InvalidTransaction\x1a;\n9type.googleapis.com/event_store.client.InvalidTransaction"),
    ),
    (ServerNotReady(), b"\x12\x13Server Is Not Ready\x1a+\n)type.googleapis.com/google.protobuf.Empty"),
    (ServerBusy(), b"\x12\x0eServer Is Busy\x1a+\n)type.googleapis.com/google.protobuf.Empty"),
    (BatchFailed("Unknown", ID), b"\x08\x02\x12\x07Unknown\x1a0\n.type.googleapis.com/event_store.client.Unknown"),
]


@pytest.mark.parametrize(("fragment", "data"), FRAGMENTS, ids=range(len(FRAGMENTS)))
def test_each_form_of_a_fragment_has_its_bytes(fragment: BatchFragment, data: bytes) -> None:
    """Options, deadline, events and both forms of a correlation id stand in the fields the protocol has for them."""
    check(BATCH_APPEND.request, fragment, data)


@pytest.mark.parametrize(("answer", "data"), ANSWERS, ids=range(len(ANSWERS)))
def test_each_answer_of_success_has_its_bytes(answer: BatchAnswer, data: bytes) -> None:
    """The answer names its batch in the form of the request, and says where the stream is now."""
    check(BATCH_APPEND.response, answer, data)


@pytest.mark.parametrize(("error", "data"), ERRORS, ids=[repr(error) for error, _ in ERRORS])
def test_each_failure_of_a_batch_has_its_bytes(error: EsdbError, data: bytes) -> None:
    """A failure is a status with a typed detail; a node that is not ready answers with code 0."""
    status = status_pb2.Status.FromString(data)
    message = BATCH_APPEND.response.encode(BatchAnswer(ID, "a", error))
    assert message.error == status
    assert told(BATCH_APPEND.response.decode(message).result) == told(error)


UNCORRELATED = st.builds(
    BatchFragment,
    st.uuids(),
    st.none() | st.builds(BatchOptions, NAMES, EXPECTED, st.none() | st.integers(0, 10**6).map(float)),
    st.lists(PROPOSED, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
)


@settings(deadline=None)
@given(UNCORRELATED)
def test_a_fragment_arrives_as_it_was_sent(fragment: BatchFragment) -> None:
    """What the client sends of a batch is what the server sees."""
    data = BATCH_APPEND.request.encode(fragment).SerializeToString()
    assert BATCH_APPEND.request.decode(pb.BatchAppendReq.FromString(data)) == fragment


HALVES = st.integers(0, 2**63 - 1)
APPENDS = st.builds(AppendRequest, NAMES, EXPECTED, st.lists(PROPOSED, max_size=3).map(tuple))


@settings(deadline=None)
@given(HALVES, HALVES, APPENDS, st.floats(0, 10**6))
def test_an_append_of_a_shared_call_is_a_whole_batch(
    call: int, number: int, append: AppendRequest, seconds: float
) -> None:
    """Its bytes are joined by hand; a server sees one final fragment, which has a millisecond at least."""
    sent = encode_batch(call, number, append, seconds)
    fragment = BATCH_APPEND.request.decode(pb.BatchAppendReq.FromString(sent))
    assert fragment.options is not None
    told = fragment.options.deadline or 0
    assert told == pytest.approx(max(0.001, seconds), abs=0.0011)
    assert told > 0
    options = BatchOptions(append.stream, append.expected, told)
    assert fragment == BatchFragment(UUID(int=call << 64 | number), options, append.events, structured_id=True)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_152])
def test_an_event_of_any_size_fits_into_a_shared_call(size: int) -> None:
    """Lengths take one byte or more."""
    event = ProposedEvent(ID, "T", b"x" * size, b"y" * size)
    sent = encode_batch(1, 1, AppendRequest("a", ANY, (event,)), 1.0)
    assert BATCH_APPEND.request.decode(pb.BatchAppendReq.FromString(sent)).events == (event,)


def test_a_deadline_of_version_21_10_0_is_a_moment() -> None:
    """Old clients send the moment itself, which is so many seconds from now."""
    soon = datetime.now(UTC) + timedelta(seconds=60)
    options = GOOD_OPTIONS | {"deadline_21_10_0": encode_timestamp(soon)}
    fragment = BATCH_APPEND.request.decode(pb.BatchAppendReq(correlation_id={"string": str(ID)}, options=options))
    assert fragment.options is not None
    assert 0 < (fragment.options.deadline or 0) <= 60


PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "no stream": ({"options": {"any": {}}}, "stream name is empty"),
    "no expectation": (
        {"options": {"stream_identifier": {"stream_name": b"a"}}},
        "expected_stream_position is missing",
    ),
    "no type": ({"proposed_messages": [{"id": {"string": str(ID)}, "metadata": {"content-type": "x"}}]}, "type"),
    "bad id": ({"proposed_messages": [GOOD_EVENT | {"id": {"string": "x"}}]}, "the id 'x' is not a UUID"),
}


@pytest.mark.parametrize(("fields", "message"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_wrong_with_a_batch_is_its_answer(fields: dict[str, Any], message: str) -> None:
    """A bad fragment does not end the call: the fragment carries its problem, and its batch fails as a bad request."""
    given_: dict[str, Any] = {"correlation_id": {"string": str(ID)}, "options": GOOD_OPTIONS, "is_final": True} | fields
    fragment = BATCH_APPEND.request.decode(pb.BatchAppendReq(**given_))
    assert fragment.problem is not None
    assert message in str(fragment.problem)
    answer = BATCH_APPEND.response.encode(BatchAnswer(fragment.correlation_id, "a", fragment.problem))
    assert told(BATCH_APPEND.response.decode(answer).result) == told(InvalidArgument(str(fragment.problem)))


def test_a_fragment_without_a_correlation_id_ends_the_call() -> None:
    """There is no batch that could be answered."""
    with pytest.raises(InvalidArgument, match="an id is missing"):
        BATCH_APPEND.request.decode(pb.BatchAppendReq(options=GOOD_OPTIONS))


def failed(code: int, message: str, detail: Message | None = None) -> Any:
    """What a client makes of such a status in the answer to a batch of stream `a`."""
    status: dict[str, Any] = {"code": code, "message": message}
    if detail is not None:
        url = f"some.host/{detail.DESCRIPTOR.full_name}"
        status["details"] = {"type_url": url, "value": detail.SerializeToString()}
    message_ = pb.BatchAppendResp(
        correlation_id={"string": str(ID)}, stream_identifier={"stream_name": b"a"}, error=status
    )
    return BATCH_APPEND.response.decode(message_).result


CODES: list[tuple[int, EsdbError]] = [
    (4, ServerTimeout()),
    (5, StreamDeleted("a")),
    (6, WrongExpectedRevision("a", None, None)),
    (7, AccessDenied()),
    (2, BatchFailed("odd", ID)),
    (13, BatchFailed("odd", ID)),
    (0, BatchFailed("odd", ID)),
]


@pytest.mark.parametrize(("code", "error"), CODES, ids=[str(code) for code, _ in CODES])
def test_without_a_detail_the_code_tells_the_failure(code: int, error: EsdbError) -> None:
    """An answer of an error is never a success, whatever its code."""
    assert told(failed(code, "odd")) == told(error)


def test_the_detail_counts_before_the_code() -> None:
    """The typed detail says what happened; its URL's host does not matter."""
    assert told(failed(2, "odd", shared_pb2.AccessDenied())) == told(AccessDenied())


def test_a_node_without_a_leader_is_not_ready() -> None:
    """Code 0 with that text means that nothing was executed."""
    error = failed(0, "No leader info available in response")
    assert told(error) == told(ServerNotReady())
    assert error.outcome is Outcome.NOT_EXECUTED


def test_missing_metadata_and_foreign_errors_have_an_answer_too() -> None:
    """What the protocol has no row for is a bad request if the caller can mend it, else just a failure."""
    for error, expected in [
        (MissingMetadata(("type",)), InvalidArgument("every event needs the metadata type")),
        (NotSupported(), BatchFailed("Unknown", ID)),
    ]:
        message = BATCH_APPEND.response.encode(BatchAnswer(ID, "", error))
        assert told(BATCH_APPEND.response.decode(message).result) == told(expected)
