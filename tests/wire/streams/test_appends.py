from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from fastapi_esdb.wire.errors import InvalidArgument, MissingMetadata
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY, NO_EVENT, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams.methods import APPEND
from fastapi_esdb.wire.streams.values import AppendAnswer, AppendConflict, AppendFrame, AppendOptions, AppendResult
from tests.wire.comparing import check
from tests.wire.values import EXPECTED, NAMES, PROPOSED

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
AT = Position(9, 9)
MAX_UINT64 = 2**64 - 1

REQUESTS: list[tuple[AppendFrame, bytes]] = [
    (AppendOptions("a", 5), b"\n\x07\n\x03\x1a\x01a\x10\x05"),
    (AppendOptions("a", 0), b"\n\x07\n\x03\x1a\x01a\x10\x00"),
    (AppendOptions("a", NO_STREAM), b"\n\x07\n\x03\x1a\x01a\x1a\x00"),
    (AppendOptions("a", ANY), b'\n\x07\n\x03\x1a\x01a"\x00'),
    (AppendOptions("a", STREAM_EXISTS), b"\n\x07\n\x03\x1a\x01a*\x00"),
    (
        ProposedEvent(ID, "T", b"{}", b"m"),
        (
            b"\x12\\\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12 \n\x0ccontent-type\x12\x10application/js"
            b'on\x12\t\n\x04type\x12\x01T\x1a\x01m"\x02{}'
        ),
    ),
    (
        ProposedEvent(ID, "T", content_type=OCTET_STREAM),
        (
            b"\x12]\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12(\n\x0ccontent-type\x12\x18application/oct"
            b"et-stream\x12\t\n\x04type\x12\x01T"
        ),
    ),
]

ANSWERS: list[tuple[AppendAnswer, bytes]] = [
    (AppendResult(0, AT), b"\n\x08\x08\x00\x1a\x04\x08\t\x10\t"),
    (AppendResult(NO_EVENT, AT), b"\n\x08\x12\x00\x1a\x04\x08\t\x10\t"),
    (AppendResult(3, None), b'\n\x04\x08\x03"\x00'),
    (AppendConflict(5, 2), b"\x12\x08\x08\x02\x18\x050\x02@\x05"),
    (AppendConflict(0, NO_STREAM), b"\x12\x08\x12\x00\x18\x00:\x00@\x00"),
    (AppendConflict(NO_STREAM, 0), b"\x12\x11\x08\x00\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x010\x00Z\x00"),
    (AppendConflict(STREAM_EXISTS, NO_STREAM), b"\x12\x08\x12\x00*\x00:\x00R\x00"),
    (AppendConflict(ANY, 1), b'\x12\x08\x08\x01"\x000\x01J\x00'),
]


@pytest.mark.parametrize(("frame", "data"), REQUESTS, ids=[repr(value)[:60] for value, _ in REQUESTS])
def test_each_frame_of_an_append_has_its_bytes(frame: AppendFrame, data: bytes) -> None:
    """Options with each kind of expectation, and events, stand in the fields that the protocol has for them."""
    check(APPEND.request, frame, data)


@pytest.mark.parametrize(("answer", "data"), ANSWERS, ids=[repr(value) for value, _ in ANSWERS])
def test_each_answer_to_an_append_has_its_bytes(answer: AppendAnswer, data: bytes) -> None:
    """A conflict is written under today's names and under those of version 20.6.0, as servers do."""
    check(APPEND.response, answer, data)


@settings(deadline=None)
@given(PROPOSED)
def test_an_event_arrives_as_it_was_proposed(event: ProposedEvent) -> None:
    """What the client wants appended is what the server sees."""
    data = APPEND.request.encode(event).SerializeToString()
    assert APPEND.request.decode(pb.AppendReq.FromString(data)) == event


@settings(deadline=None)
@given(NAMES, EXPECTED)
def test_an_expectation_arrives_as_it_was_sent(stream: str, expected: Expected) -> None:
    """Any stream and any expectation come out as they went in."""
    data = APPEND.request.encode(AppendOptions(stream, expected)).SerializeToString()
    assert APPEND.request.decode(pb.AppendReq.FromString(data)) == AppendOptions(stream, expected)


OLD_CONFLICTS: list[tuple[dict[str, Any], AppendConflict]] = [
    ({"expected_revision_20_6_0": 5, "current_revision_20_6_0": 2}, AppendConflict(5, 2)),
    ({"expected_revision_20_6_0": MAX_UINT64, "current_revision_20_6_0": 2}, AppendConflict(NO_STREAM, 2)),
    ({"any_20_6_0": {}, "current_revision_20_6_0": 0}, AppendConflict(ANY, 0)),
    ({"stream_exists_20_6_0": {}, "no_stream_20_6_0": {}}, AppendConflict(STREAM_EXISTS, NO_STREAM)),
]


@pytest.mark.parametrize(("fields", "conflict"), OLD_CONFLICTS, ids=[repr(value) for _, value in OLD_CONFLICTS])
def test_a_conflict_of_a_server_20_6_0_is_understood(fields: dict[str, Any], conflict: AppendConflict) -> None:
    """That version sends the old names only."""
    assert APPEND.response.decode(pb.AppendResp(wrong_expected_version=fields)) == conflict


def test_the_largest_number_is_an_unknown_position() -> None:
    """A position that the server did not know is none."""
    position = {"commit_position": MAX_UINT64, "prepare_position": MAX_UINT64}
    message = pb.AppendResp(success={"current_revision": 1, "position": position})
    assert APPEND.response.decode(message) == AppendResult(1, None)


METADATA = {"type": "T", "content-type": "application/json"}
PROPOSED_MESSAGE: dict[str, Any] = {"id": {"string": str(ID)}, "metadata": METADATA}


@pytest.mark.parametrize("missing", ["type", "content-type"])
def test_an_event_needs_its_type_and_its_content_type(missing: str) -> None:
    """Either one missing is what servers answer with the names of both."""
    metadata = {name: value for name, value in METADATA.items() if name != missing}
    with pytest.raises(MissingMetadata) as caught:
        APPEND.request.decode(pb.AppendReq(proposed_message=PROPOSED_MESSAGE | {"metadata": metadata}))
    assert caught.value.required == ("type", "content-type")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "a request of Append is empty"),
    "no id": ({"proposed_message": PROPOSED_MESSAGE | {"id": None}}, "an id is missing"),
    "nil id": ({"proposed_message": PROPOSED_MESSAGE | {"id": {"structured": {}}}}, "the nil UUID"),
    "bad id": ({"proposed_message": PROPOSED_MESSAGE | {"id": {"string": "x"}}}, "the id 'x' is not a UUID"),
    "empty type": ({"proposed_message": PROPOSED_MESSAGE | {"metadata": METADATA | {"type": ""}}}, "type is empty"),
    "no stream": ({"options": {"any": {}}}, "stream name is empty"),
    "no expectation": (
        {"options": {"stream_identifier": {"stream_name": b"a"}}},
        "expected_stream_revision is missing",
    ),
    "revision too large": (
        {"options": {"stream_identifier": {"stream_name": b"a"}, "revision": 2**63}},
        "out of bounds",
    ),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_a_frame_that_a_server_refuses_is_an_invalid_argument(fields: dict[str, Any], message: str) -> None:
    """What a real server does not take is refused with the name of what is wrong."""
    with pytest.raises(InvalidArgument, match=message):
        APPEND.request.decode(pb.AppendReq(**fields))


def test_other_metadata_of_an_event_is_ignored() -> None:
    """Servers keep the type and the content type and nothing else of the map."""
    message = pb.AppendReq(proposed_message=PROPOSED_MESSAGE | {"metadata": METADATA | {"more": "x"}})
    assert APPEND.request.decode(message) == ProposedEvent(ID, "T")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (AppendOptions(""), "stream name is empty"),
        (AppendOptions("a", -1), "revision -1 is out of bounds"),
        (ProposedEvent(ID, "\udfff"), "not valid Unicode"),
    ],
    ids=["no name", "below 0", "surrogate"],
)
def test_a_frame_that_cannot_be_never_leaves(frame: AppendFrame, message: str) -> None:
    """The client refuses names and revisions that no server has."""
    with pytest.raises(InvalidArgument, match=message):
        APPEND.request.encode(frame)
