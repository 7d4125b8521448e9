from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.groups.values import Ack, GroupConfirmed, GroupEvent, GroupReadOptions, Nack, NackAction
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb
from fastapi_esdb.wire.streams.values import UnknownFrame
from tests.wire.comparing import Golden, check

ONE = UUID("00000000-0000-4000-8000-000000000001")
TWO = UUID("ffffffff-ffff-4fff-bfff-fffffffffff2")
CREATED = datetime(2024, 2, 29, 12, 30, 15, 250_001, UTC)

EVENT = RecordedEvent(ONE, "s", 3, "T", b'{"n":1}', b"m", JSON, CREATED, Position(9, 8))
LINK = RecordedEvent(TWO, "l", 0, LINK_TYPE, b"3@s", b"", OCTET_STREAM, CREATED, Position(20, 20))
FOUND = RecordedEvent(ONE, "s", 3, "T", b'{"n":1}', b"m", JSON, CREATED, Position(9, 8), LINK)
LOST = RecordedEvent(TWO, "l", 0, LINK_TYPE, b"3@s", b"", OCTET_STREAM, CREATED, Position(20, 20), LINK)

GOLDEN: list[Golden] = [
    (READ_GROUP.request, GroupReadOptions("s", "g"), b'\n\x0e\n\x03\x1a\x01s\x12\x01g\x18\n"\x02\x12\x00'),
    (
        READ_GROUP.request,
        GroupReadOptions(None, "g", buffer_size=1, structured_ids=True),
        b'\n\x0b\x12\x01g\x18\x01"\x02\n\x00*\x00',
    ),
    (
        READ_GROUP.request,
        Ack((ONE, TWO)),
        (b"\x12P\x12&\x12$00000000-0000-4000-8000-000000000001\x12&\x12$ffffffff-ffff-4fff-bfff-fffffffffff2"),
    ),
    (READ_GROUP.request, Nack((ONE,)), b"\x1a*\x12&\x12$00000000-0000-4000-8000-000000000001\x18\x02"),
    (
        READ_GROUP.request,
        Nack((ONE,), NackAction.PARK, "because"),
        b'\x1a3\x12&\x12$00000000-0000-4000-8000-000000000001\x18\x01"\x07because',
    ),
    (READ_GROUP.response, GroupConfirmed("s::g"), b"\x12\x06\n\x04s::g"),
    (
        READ_GROUP.response,
        GroupEvent(EVENT, 0),
        (
            b"\n\x91\x01\n\x8a\x01\n&\x12$00000000-0000-4000-8000-000000000001\x12\x03\x1a\x01s\x18\x03 "
            b"\x08(\t2 \n\x0ccontent-type\x12\x10application/json2\x1c\n\x07created\x12\x111709209815250001"
            b'02\t\n\x04type\x12\x01T:\x01mB\x07{"n":1}\x18\t(\x00'
        ),
    ),
    (
        READ_GROUP.response,
        GroupEvent(FOUND, 2),
        (
            b"\n\x9e\x02\n\x8a\x01\n&\x12$00000000-0000-4000-8000-000000000001\x12\x03\x1a\x01s\x18\x03 "
            b"\x08(\t2 \n\x0ccontent-type\x12\x10application/json2\x1c\n\x07created\x12\x111709209815250001"
            b'02\t\n\x04type\x12\x01T:\x01mB\x07{"n":1}\x12\x8a\x01\n&\x12$ffffffff-ffff-4fff-bfff-ffffffff'
            b"fff2\x12\x03\x1a\x01l \x14(\x142(\n\x0ccontent-type\x12\x18application/octet-stream2\x1c\n"
            b"\x07created\x12\x11170920981525000102\n\n\x04type\x12\x02$>B\x033@s\x18\x14(\x02"
        ),
    ),
    (
        READ_GROUP.response,
        GroupEvent(LOST),
        (
            b"\n\x91\x01\x12\x8a\x01\n&\x12$ffffffff-ffff-4fff-bfff-fffffffffff2\x12\x03\x1a\x01l \x14(\x14"
            b"2(\n\x0ccontent-type\x12\x18application/octet-stream2\x1c\n\x07created\x12\x11170920981525000"
            b"102\n\n\x04type\x12\x02$>B\x033@s\x18\x142\x00"
        ),
    ),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each frame is these bytes, and these bytes are the frame."""
    check(codec, value, data)


@pytest.mark.parametrize("action", NackAction)
def test_every_action(action: NackAction) -> None:
    """A nack says what is to happen."""
    nack = Nack((ONE,), action, "because")
    assert READ_GROUP.request.decode(READ_GROUP.request.encode(nack)) == nack


def test_an_action_of_the_future() -> None:
    """An action without a name is one that the server does not know."""
    assert READ_GROUP.request.decode(pb.ReadReq(nack={"action": 9})) == Nack((), NackAction.UNKNOWN)


def test_the_link_is_what_is_acknowledged() -> None:
    """What a link led to is acknowledged by the link's id and continued from the link's revision."""
    decoded = READ_GROUP.response.decode(READ_GROUP.response.encode(GroupEvent(FOUND, 0)))
    assert isinstance(decoded, GroupEvent)
    assert (decoded.event.original.id, decoded.event.original.revision) == (TWO, 0)


def test_an_event_whose_target_is_gone() -> None:
    """A link to nothing comes as itself and can be acknowledged."""
    decoded = READ_GROUP.response.decode(READ_GROUP.response.encode(GroupEvent(LOST)))
    assert isinstance(decoded, GroupEvent)
    assert decoded.event.is_unresolved_link
    assert decoded.event.original.id == TWO


def test_structured_ids() -> None:
    """A consumer may get its ids as two halves; they are the same ids."""
    message = READ_GROUP.response.encode(GroupEvent(FOUND, 1, structured_ids=True))
    assert message.event.event.id.WhichOneof("value") == message.event.link.id.WhichOneof("value") == "structured"
    assert message.event.link.id.structured.most_significant_bits == 0xFFFF_FFFF_FFFF_4FFF - 2**64
    assert READ_GROUP.response.decode(message) == GroupEvent(FOUND, 1)


def test_acks_with_structured_ids() -> None:
    """A server takes ids in both forms."""
    halves = {"structured": {"most_significant_bits": 0x4000, "least_significant_bits": -(2**63) + 1}}
    assert READ_GROUP.request.decode(pb.ReadReq(ack={"id": b"x", "ids": [halves]})) == Ack((ONE,))


def test_a_frame_of_the_future() -> None:
    """What a newer server sends beside events is passed over."""
    assert READ_GROUP.response.decode(pb.ReadResp()) == UnknownFrame()
    assert READ_GROUP.response.encode(UnknownFrame()) == pb.ReadResp()


def test_a_buffer_for_nothing() -> None:
    """A consumer without room for an event is refused before it is sent."""
    with pytest.raises(InvalidArgument, match="buffer_size is 0 and must be 1 or more"):
        READ_GROUP.request.encode(GroupReadOptions("s", "g", buffer_size=0))


STREAM: dict[str, Any] = {"stream_identifier": {"stream_name": b"s"}}
STRING: dict[str, Any] = {"uuid_option": {"string": {}}}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (pb.ReadReq(), "a request of Read is empty: give options first"),
        (pb.ReadReq(options={**STREAM, "buffer_size": 1}), "uuid_option is missing"),
        (pb.ReadReq(options={**STREAM, **STRING}), "buffer_size is 0 and must be 1 or more"),
        (pb.ReadReq(options={**STRING, "buffer_size": 1}), "stream_option is missing"),
        (pb.ReadReq(ack={"ids": [{"string": "nope"}]}), "the id 'nope' is not a UUID"),
        (pb.ReadReq(nack={"ids": [{}]}), "an id is missing"),
    ],
)
def test_requests_that_servers_refuse(message: pb.ReadReq, says: str) -> None:
    """A frame that lacks something is refused with the name of what is missing."""
    with pytest.raises(InvalidArgument) as refused:
        READ_GROUP.request.decode(message)
    assert says in str(refused.value)
