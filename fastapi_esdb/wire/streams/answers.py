"""What a Streams.Read call answers, frame by frame, from and to messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi_esdb.wire.codec.scalars import (
    Fields,
    decode_position,
    decode_stream,
    decode_timestamp,
    encode_position,
    encode_stream,
    encode_timestamp,
    known,
)
from fastapi_esdb.wire.events.messages import decode_read_event, write_read_event
from fastapi_esdb.wire.events.values import Position, RecordedEvent
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.values import (
    CaughtUp,
    Checkpoint,
    FellBehind,
    FirstRevision,
    LastPosition,
    LastRevision,
    ReadFrame,
    StreamMissing,
    StructuredIds,
    SubscriptionConfirmed,
    UnknownFrame,
)

if TYPE_CHECKING:
    from datetime import datetime

Response = pb.ReadResp


def decode_frame(message: Response) -> ReadFrame:
    """One frame of the answer; `UnknownFrame` for what only newer servers send."""
    case = message.WhichOneof("content")
    if case == "event":
        return decode_read_event(message.event)
    return _DECODERS[case](getattr(message, case)) if case else UnknownFrame()


def encode_frame(frame: ReadFrame) -> Response:
    """The message of one frame."""
    encode = _ENCODERS.get(type(frame))
    return encode(frame) if encode else Response()


def _decode_checkpoint(message: Response.Checkpoint) -> Checkpoint:
    return Checkpoint(_position(message), _time(message))


def _decode_caught_up(message: Response.CaughtUp) -> CaughtUp:
    return CaughtUp(*_decode_progress(message))


def _decode_fell_behind(message: Response.FellBehind) -> FellBehind:
    return FellBehind(*_decode_progress(message))


def _decode_progress(
    message: Response.CaughtUp | Response.FellBehind,
) -> tuple[datetime | None, int | None, Position | None]:
    revision = message.stream_revision if message.HasField("stream_revision") else None
    position = decode_position(message.position) if message.HasField("position") else None
    return _time(message), revision, position


def _position(message: Any) -> Position:
    return Position(message.commit_position, message.prepare_position)


def _time(message: Response.Checkpoint | Response.CaughtUp | Response.FellBehind) -> datetime | None:
    return known(lambda: decode_timestamp(message.timestamp)) if message.HasField("timestamp") else None


def _encode_event(event: RecordedEvent, structured_ids: bool) -> Response:
    response = Response()
    write_read_event(response.event, event, structured_ids)
    return response


def _encode_checkpoint(frame: Checkpoint) -> Response:
    return Response(checkpoint=encode_position(frame.position) | _timestamp(frame.timestamp))


def _encode_progress(frame: CaughtUp | FellBehind) -> Fields:
    fields = _timestamp(frame.timestamp)
    if frame.revision is not None:
        fields["stream_revision"] = frame.revision
    if frame.position is not None:
        fields["position"] = encode_position(frame.position)
    return fields


def _timestamp(time: datetime | None) -> Fields:
    return {"timestamp": encode_timestamp(time)} if time else {}


_DECODERS: dict[str, Callable[[Any], ReadFrame]] = {
    "confirmation": lambda message: SubscriptionConfirmed(message.subscription_id),
    "checkpoint": _decode_checkpoint,
    "stream_not_found": lambda message: StreamMissing(decode_stream(message.stream_identifier)),
    "first_stream_position": FirstRevision,
    "last_stream_position": LastRevision,
    "last_all_stream_position": lambda message: LastPosition(_position(message)),
    "caught_up": _decode_caught_up,
    "fell_behind": _decode_fell_behind,
}

_ENCODERS: dict[type, Callable[[Any], Response]] = {
    RecordedEvent: lambda frame: _encode_event(frame, structured_ids=False),
    StructuredIds: lambda frame: _encode_event(frame.event, structured_ids=True),
    SubscriptionConfirmed: lambda frame: Response(confirmation={"subscription_id": frame.subscription_id}),
    Checkpoint: _encode_checkpoint,
    StreamMissing: lambda frame: Response(stream_not_found={"stream_identifier": encode_stream(frame.stream)}),
    FirstRevision: lambda frame: Response(first_stream_position=frame.revision),
    LastRevision: lambda frame: Response(last_stream_position=frame.revision),
    LastPosition: lambda frame: Response(last_all_stream_position=encode_position(frame.position)),
    CaughtUp: lambda frame: Response(caught_up=_encode_progress(frame)),
    FellBehind: lambda frame: Response(fell_behind=_encode_progress(frame)),
}
