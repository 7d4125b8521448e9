from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, START, Edge, Position
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import (
    CaughtUp,
    Checkpoint,
    FellBehind,
    FirstRevision,
    LastPosition,
    LastRevision,
    ReadFrame,
    ReadRequest,
    StreamMissing,
    StructuredIds,
    SubscriptionConfirmed,
    UnknownFrame,
)
from tests.wire.comparing import check
from tests.wire.values import EVENTS, READ_REQUESTS

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
TIME = datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)
AT = Position(9, 9)
EVENT = RecordedEvent(ID, "a", 3, "T", b"{}", b"m", JSON, TIME, Position(8, 7))
LINK = RecordedEvent(ID, "l", 0, LINK_TYPE, b"3@a", b"", OCTET_STREAM, TIME, AT)
MAX_UINT64 = 2**64 - 1

REQUESTS: list[tuple[ReadRequest, bytes]] = [
    (
        ReadRequest("a"),
        (b"\n\x1a\n\x07\n\x03\x1a\x01a\x1a\x00(\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01B\x00J\x02\x12\x00"),
    ),
    (ReadRequest("ä", 5, limit=2), b"\n\x12\n\x08\n\x04\x1a\x02\xc3\xa4\x10\x05(\x02B\x00J\x02\x12\x00"),
    (ReadRequest("a", END, BACKWARDS, limit=10), b'\n\x13\n\x07\n\x03\x1a\x01a"\x00\x18\x01(\nB\x00J\x02\x12\x00'),
    (
        ReadRequest("a", START, subscribe=True, resolve_links=True),
        b"\n\x13\n\x07\n\x03\x1a\x01a\x1a\x00 \x012\x00B\x00J\x02\x12\x00",
    ),
    (
        ReadRequest("a", structured_ids=True, compatibility=1),
        (b"\n\x1e\n\x07\n\x03\x1a\x01a\x1a\x00(\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01B\x00J\x02\n\x00R\x02\x08\x01"),
    ),
    (ReadRequest(None, limit=1), b"\n\x0c\x12\x02\x12\x00(\x01B\x00J\x02\x12\x00"),
    (
        ReadRequest(None, Position(9, 8), BACKWARDS, limit=1),
        b"\n\x12\x12\x06\n\x04\x08\t\x10\x08\x18\x01(\x01B\x00J\x02\x12\x00",
    ),
    (ReadRequest(None, END, subscribe=True), b"\n\x0c\x12\x02\x1a\x002\x00B\x00J\x02\x12\x00"),
    (
        ReadRequest(None, filter=EventFilter(prefixes=("a", "b"))),
        (
            b"\n!\x12\x02\x12\x00(\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01:\x0c\x12\x06\x12\x01a\x12\x01b\x18"
            b" (\x01J\x02\x12\x00"
        ),
    ),
    (
        ReadRequest(
            None, subscribe=True, filter=EventFilter(by_stream=True, regex="^x", window=None, checkpoint_interval=4)
        ),
        b'\n\x16\x12\x02\x12\x002\x00:\n\n\x04\n\x02^x"\x00(\x04J\x02\x12\x00',
    ),
]

FRAMES: list[tuple[ReadFrame, bytes]] = [
    (
        EVENT,
        (
            b"\n\x8a\x01\n\x85\x01\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\x03\x1a\x01a\x18\x03 \x07("
            b"\x082 \n\x0ccontent-type\x12\x10application/json2\x1c\n\x07created\x12\x11170000000012345602\t"
            b"\n\x04type\x12\x01T:\x01mB\x02{}\x18\x08"
        ),
    ),
    (
        replace(EVENT, link=LINK),
        (
            b"\n\x97\x02\n\x85\x01\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\x03\x1a\x01a\x18\x03 \x07("
            b"\x082 \n\x0ccontent-type\x12\x10application/json2\x1c\n\x07created\x12\x11170000000012345602\t"
            b"\n\x04type\x12\x01T:\x01mB\x02{}\x12\x8a\x01\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12"
            b"\x03\x1a\x01l \t(\t2(\n\x0ccontent-type\x12\x18application/octet-stream2\x1c\n\x07created\x12"
            b"\x11170000000012345602\n\n\x04type\x12\x02$>B\x033@a\x18\t"
        ),
    ),
    (
        replace(LINK, link=LINK),
        (
            b"\n\x8f\x01\x12\x8a\x01\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\x03\x1a\x01l \t(\t2(\n"
            b"\x0ccontent-type\x12\x18application/octet-stream2\x1c\n\x07created\x12\x11170000000012345602\n"
            b"\n\x04type\x12\x02$>B\x033@a\x18\t"
        ),
    ),
    (
        replace(EVENT, position=None),
        (
            b"\n\x9c\x01\n\x97\x01\n&\x12$00112233-4455-6677-8899-aabbccddeeff\x12\x03\x1a\x01a\x18\x03 \xff"
            b"\xff\xff\xff\xff\xff\xff\xff\xff\x01(\xff\xff\xff\xff\xff\xff\xff\xff\xff\x012 \n\x0ccontent-ty"
            b"pe\x12\x10application/json2\x1c\n\x07created\x12\x11170000000012345602\t\n\x04type\x12\x01T:"
            b'\x01mB\x02{}"\x00'
        ),
    ),
    (SubscriptionConfirmed("s"), b"\x12\x03\n\x01s"),
    (Checkpoint(AT), b"\x1a\x04\x08\t\x10\t"),
    (Checkpoint(AT, TIME), b"\x1a\x11\x08\t\x10\t\x1a\x0b\x08\x80\xe2\xcf\xaa\x06\x10\x80\x94\xef:"),
    (CaughtUp(), b"B\x00"),
    (CaughtUp(TIME, revision=0), b"B\x0f\n\x0b\x08\x80\xe2\xcf\xaa\x06\x10\x80\x94\xef:\x10\x00"),
    (CaughtUp(TIME, position=AT), b"B\x13\n\x0b\x08\x80\xe2\xcf\xaa\x06\x10\x80\x94\xef:\x1a\x04\x08\t\x10\t"),
    (
        FellBehind(TIME, revision=5, position=AT),
        b"J\x15\n\x0b\x08\x80\xe2\xcf\xaa\x06\x10\x80\x94\xef:\x10\x05\x1a\x04\x08\t\x10\t",
    ),
    (StreamMissing("a"), b'"\x05\n\x03\x1a\x01a'),
    (FirstRevision(0), b"(\x00"),
    (LastRevision(7), b"0\x07"),
    (LastPosition(AT), b":\x04\x08\t\x10\t"),
    (UnknownFrame(), b""),
]


@pytest.mark.parametrize(("request_", "data"), REQUESTS, ids=[repr(value)[:90] for value, _ in REQUESTS])
def test_each_form_of_a_read_has_its_bytes(request_: ReadRequest, data: bytes) -> None:
    """Every option of a read or a subscription stands in the field that the protocol has for it."""
    check(READ.request, request_, data)


@pytest.mark.parametrize(("frame", "data"), FRAMES, ids=[repr(value)[:60] for value, _ in FRAMES])
def test_each_frame_of_an_answer_has_its_bytes(frame: ReadFrame, data: bytes) -> None:
    """Every kind of frame is read and written with all that it tells."""
    check(READ.response, frame, data)


@settings(deadline=None)
@given(READ_REQUESTS)
def test_a_read_arrives_as_it_was_sent(request: ReadRequest) -> None:
    """What a client asks for is what the server sees."""
    data = READ.request.encode(request).SerializeToString()
    assert READ.encode_request(request) == data
    assert READ.request.decode(pb.ReadReq.FromString(data)) == request


@settings(deadline=None)
@given(EVENTS)
def test_an_event_arrives_as_it_was_sent(event: RecordedEvent) -> None:
    """An event, its link and their positions come out as they went in, the time to the microsecond."""
    data = READ.response.encode(event).SerializeToString()
    assert READ.response.decode(pb.ReadResp.FromString(data)) == event


def test_structured_ids_are_read_as_the_same_ids() -> None:
    """A client that asked for ids in halves gets the same event."""
    message = READ.response.encode(StructuredIds(replace(EVENT, link=LINK)))
    halves = message.event.link.id.structured
    assert (halves.most_significant_bits, halves.least_significant_bits) == (4822678189205111, -8603657889541918977)
    assert READ.response.decode(message) == replace(EVENT, link=LINK)


def test_a_link_without_a_target_is_given_as_itself() -> None:
    """A resolved link whose target is gone is an event of type $> that knows of it."""
    message = READ.response.encode(replace(LINK, link=LINK))
    assert not message.event.HasField("event")
    assert READ.response.decode(message).is_unresolved_link  # type: ignore[union-attr] # an event, as was encoded


def test_a_found_link_is_where_reading_goes_on() -> None:
    """The position of the frame is the link's, and so is that of the event's original."""
    message = READ.response.encode(replace(EVENT, link=LINK))
    assert message.event.commit_position == 9
    assert READ.response.decode(message).original == LINK  # type: ignore[union-attr] # an event, as was encoded


def test_a_frame_of_a_newer_server_is_passed_over() -> None:
    """A field that this client does not know makes a frame that says so, and no error."""
    assert READ.response.decode(pb.ReadResp.FromString(b"\xfa\x01\x00")) == UnknownFrame()


def test_an_old_server_does_not_know_positions() -> None:
    """The largest number stands for a position that servers before 22.6 did not know."""
    caught_up = {"position": {"commit_position": MAX_UINT64, "prepare_position": MAX_UINT64}}
    assert READ.response.decode(pb.ReadResp(caught_up=caught_up)) == CaughtUp()


def test_a_stream_name_that_is_no_text_is_still_shown() -> None:
    """Bytes that are not UTF-8 in a stream's name become replacement characters."""
    message = pb.ReadResp(stream_not_found={"stream_identifier": {"stream_name": b"a\xff"}})
    assert READ.response.decode(message) == StreamMissing("a\ufffd")


STREAM = {"stream_identifier": {"stream_name": b"a"}, "start": {}}
GOOD: dict[str, Any] = {"stream": STREAM, "count": 1, "no_filter": {}, "uuid_option": {"string": {}}}
ALL: dict[str, Any] = {"all": {"start": {}}, "count": 1, "no_filter": {}, "uuid_option": {"string": {}}}
SUBSCRIBE: dict[str, Any] = {"count": None, "subscription": {}}
FILTER: dict[str, Any] = {"event_type": {"prefix": ["a"]}, "max": 32, "checkpointIntervalMultiplier": 1}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no uuid option": (GOOD | {"uuid_option": None}, "uuid_option is missing"),
    "empty uuid option": (GOOD | {"uuid_option": {}}, "uuid_option is missing"),
    "neither stream nor all": (GOOD | {"stream": None}, "stream_option is missing"),
    "neither count nor subscription": (GOOD | {"count": None}, "count_option is missing"),
    "neither filter nor no filter": (GOOD | {"no_filter": None}, "filter_option is missing"),
    "no stream name": (GOOD | {"stream": {"start": {}}}, "stream name is empty"),
    "no start of a stream": (GOOD | {"stream": STREAM | {"start": None}}, "revision_option is missing"),
    "no start of all": (ALL | {"all": {}}, "all_option is missing"),
    "revision too large": (GOOD | {"stream": STREAM | {"start": None, "revision": 2**63}}, "out of bounds"),
    "position too large": (ALL | {"all": {"position": {"commit_position": 2**63}}}, "must be that 0 <= prepare"),
    "prepare after commit": (ALL | {"all": {"position": {"prepare_position": 1}}}, "must be that 0 <= prepare"),
    "filter of a stream": (GOOD | {"no_filter": None, "filter": FILTER}, "a filter goes with all only"),
    "filter without expression": (
        ALL | {"no_filter": None, "filter": FILTER | {"event_type": None}},
        "the filter has no expression",
    ),
    "filter without window": (ALL | {"no_filter": None, "filter": FILTER | {"max": None}}, "the filter has no window"),
    "subscription backwards": (GOOD | SUBSCRIBE | {"read_direction": 1}, "a subscription goes forwards only"),
    "subscription without checkpoints": (
        ALL | SUBSCRIBE | {"no_filter": None, "filter": FILTER | {"checkpointIntervalMultiplier": 0}},
        "checkpointIntervalMultiplier is 0",
    ),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_a_read_that_a_server_refuses_is_an_invalid_argument(options: dict[str, Any], message: str) -> None:
    """What a real server does not answer is refused with the name of what is wrong."""
    with pytest.raises(InvalidArgument, match=message):
        READ.request.decode(pb.ReadReq(options=options))


def test_a_read_without_options_is_refused() -> None:
    """An empty request says nothing of what to read."""
    with pytest.raises(InvalidArgument, match="options are missing"):
        READ.request.decode(pb.ReadReq())


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ({"stream": STREAM | {"start": None, "revision": MAX_UINT64}}, END),
        ({"stream": STREAM | {"start": None, "revision": MAX_REVISION}}, MAX_REVISION),
        ({"all": {"position": {"commit_position": MAX_UINT64, "prepare_position": MAX_UINT64}}, "stream": None}, END),
    ],
    ids=["revision", "largest revision", "position"],
)
def test_the_largest_number_stands_for_the_end(source: dict[str, Any], start: int | Edge) -> None:
    """Old clients ask for the end by the largest unsigned number; one less than half of it is a revision still."""
    assert READ.request.decode(pb.ReadReq(options=GOOD | source)).start == start


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ReadRequest(""), "stream name is empty"),
        (ReadRequest("\ud800"), "not valid Unicode"),
        (ReadRequest("a", -1), "revision -1 is out of bounds"),
        (ReadRequest("a", 2**63), "out of bounds"),
        (ReadRequest("a", AT), "a stream is read from a revision"),
        (ReadRequest(None, 5), "read from a Position"),
        (ReadRequest(None, Position(-1, -1)), "0 <= prepare"),
    ],
    ids=["no name", "surrogate", "below 0", "above the largest", "position of a stream", "revision of all", "below 0 "],
)
def test_a_start_that_cannot_be_never_leaves(request_: ReadRequest, message: str) -> None:
    """The client refuses names and starts that no server has, and says what would be right."""
    with pytest.raises(InvalidArgument, match=message):
        READ.request.encode(request_)
