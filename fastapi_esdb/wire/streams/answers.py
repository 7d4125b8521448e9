"""Converters of the answers of the Streams service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError

from fastapi_esdb.wire.codec.scalars import (
    EMPTY,
    HALF,
    MAX_UINT64,
    Fields,
    decode_position,
    decode_stream,
    decode_timestamp,
    decode_uuid,
    encode_position,
    encode_stream,
    encode_timestamp,
    encode_uuid,
    valid_or_none,
)
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument, NoAnswer
from fastapi_esdb.wire.errors.unreadable import unreadable
from fastapi_esdb.wire.events.messages import (
    decode_read_event,
    new_event,
    set_data,
    set_source,
    write_read_event,
)
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, NO_EVENT, NO_STREAM, STREAM_EXISTS, StreamState
from fastapi_esdb.wire.status.batch_errors import decode_error, encode_error
from fastapi_esdb.wire.streams.values import (
    AppendAnswer,
    AppendConflict,
    AppendResult,
    BatchAnswer,
    CaughtUp,
    Checkpoint,
    DeleteResult,
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

    from fastapi_esdb.wire.revisions import Expected

    Success = pb.AppendResp.Success | pb.BatchAppendResp.Success


Response = pb.ReadResp


def decode_frame(message: Response) -> ReadFrame:
    """Return a frame of a read; `UnknownFrame` for a kind that only newer servers send."""
    if message.HasField("event"):
        return decode_read_event(message.event)
    case = message.WhichOneof("content")
    return _DECODERS[case](getattr(message, case)) if case else UnknownFrame()


def decode_frames(messages: Iterable[Response]) -> list[ReadFrame]:
    """Return the frames of a read that came together. Each event that is read passes here, and most have data."""
    frames: list[ReadFrame] = []
    for message in messages:
        read = message.event
        if data := read.event.data:
            event = new_event(RecordedEvent)
            set_source(event, read)
            set_data(event, data)
            frames.append(event)
        else:
            frames.append(decode_frame(message))
    return frames


def encode_frame(frame: ReadFrame) -> Response:
    """Return the message of a frame of a read."""
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
    return valid_or_none(lambda: decode_timestamp(message.timestamp)) if message.HasField("timestamp") else None


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

_EXPECTED_STATES = {
    "expected_any": ANY,
    "expected_no_stream": NO_STREAM,
    "expected_stream_exists": STREAM_EXISTS,
    "any_20_6_0": ANY,
    "stream_exists_20_6_0": STREAM_EXISTS,
}
"""The fields of a conflict that stand for an expected state; the others hold a revision."""


def encode_append_answer(answer: AppendAnswer) -> pb.AppendResp:
    """Return the message of an Append's answer."""
    if isinstance(answer, AppendResult):
        return pb.AppendResp(success=encode_success(answer))
    return pb.AppendResp(wrong_expected_version=_encode_conflict(answer))


def decode_append_answer(message: pb.AppendResp) -> AppendAnswer:
    """Return the answer of an Append. Raises NoAnswer if it is neither a success nor a conflict."""
    if message.HasField("wrong_expected_version"):
        conflict = message.wrong_expected_version
        return AppendConflict(_decode_expected(conflict), _decode_actual(conflict))
    if not message.HasField("success"):
        raise NoAnswer("it is neither a success nor a conflict")
    return decode_success(message.success)


def encode_success(result: AppendResult) -> Fields:
    """Return the fields of the Success message, of Append or of BatchAppend."""
    revision: Fields = {"no_stream": EMPTY} if result.revision == NO_EVENT else {"current_revision": result.revision}
    if result.position is None:
        return {"no_position": EMPTY, **revision}
    return {"position": encode_position(result.position), **revision}


def decode_success(message: Success) -> AppendResult:
    """Return the result in a Success message, of Append or of BatchAppend. Raises NoAnswer if it has no revision."""
    revision = message.current_revision or _revision_of_few(message)
    if revision > MAX_REVISION:
        raise NoAnswer(NO_REVISION)
    position = decode_position(message.position) if message.HasField("position") else None
    return AppendResult(revision, position)


NO_REVISION = "it tells no revision of the stream"


def _revision_of_few(message: Success) -> int:
    """Return the revision of a stream that has one event, or none: what every other append does not have to ask for."""
    case = message.WhichOneof("current_revision_option")
    if case is None:
        raise NoAnswer(NO_REVISION)
    return 0 if case == "current_revision" else NO_EVENT


def _encode_conflict(conflict: AppendConflict) -> Fields:
    return {**_encode_expected(conflict.expected), **_encode_actual(conflict.actual)}


def _encode_expected(expected: Expected | None) -> Fields:
    """Return the fields twice, as servers send them: with today's names and with those of version 20.6.0.

    The old names have none for "no stream expected", which is a revision of -1 there.
    """
    if expected is None:
        return {}
    if expected is NO_STREAM:
        return {"expected_no_stream": EMPTY, "expected_revision_20_6_0": MAX_UINT64}
    if isinstance(expected, StreamState):
        name = expected.name.lower()
        return {f"expected_{name}": EMPTY, f"{name}_20_6_0": EMPTY}
    return {"expected_revision": expected, "expected_revision_20_6_0": expected}


def _encode_actual(actual: Expected | None) -> Fields:
    if actual is None:
        return {}
    if isinstance(actual, StreamState):
        return {"current_no_stream": EMPTY, "no_stream_20_6_0": EMPTY}
    return {"current_revision": actual, "current_revision_20_6_0": actual}


def _decode_expected(conflict: pb.AppendResp.WrongExpectedVersion) -> Expected | None:
    case = conflict.WhichOneof("expected_revision_option") or conflict.WhichOneof("expected_revision_option_20_6_0")
    if case is None or case in _EXPECTED_STATES:
        return _EXPECTED_STATES.get(case or "")
    old = conflict.expected_revision_20_6_0
    return conflict.expected_revision if case == "expected_revision" else (NO_STREAM if old == MAX_UINT64 else old)


def _decode_actual(conflict: pb.AppendResp.WrongExpectedVersion) -> Expected | None:
    case = conflict.WhichOneof("current_revision_option") or conflict.WhichOneof("current_revision_option_20_6_0")
    if case == "current_revision":
        return conflict.current_revision
    if case is None:
        return None
    return conflict.current_revision_20_6_0 if case == "current_revision_20_6_0" else NO_STREAM


DeleteAnswerMessage = TypeVar("DeleteAnswerMessage", pb.DeleteResp, pb.TombstoneResp)


def delete_answer(cls: type[DeleteAnswerMessage]) -> Codec[DeleteResult]:
    """Return the codec of the answers of Delete or of Tombstone."""

    def encode(result: DeleteResult) -> DeleteAnswerMessage:
        position = result.position
        fields: Fields = {"position": encode_position(position)} if position else {"no_position": EMPTY}
        return cls(**fields)

    def decode(message: DeleteAnswerMessage) -> DeleteResult:
        return DeleteResult(decode_position(message.position) if message.HasField("position") else None)

    return Codec(cls, encode, decode)


def encode_batch_answer(answer: BatchAnswer) -> pb.BatchAppendResp:
    """Return the message of the answer to a batch."""
    fields: Fields = {"correlation_id": encode_uuid(answer.correlation_id, answer.structured_id)}
    if answer.stream:
        fields["stream_identifier"] = encode_stream(answer.stream)
    if isinstance(answer.result, AppendResult):
        return pb.BatchAppendResp(success=encode_success(answer.result), **fields)
    return pb.BatchAppendResp(error=encode_error(answer.result), **fields)


def decode_batch_answer(message: pb.BatchAppendResp) -> BatchAnswer:
    """Return the answer to a batch."""
    identity = decode_uuid(message.correlation_id)
    stream = decode_stream(message.stream_identifier)
    return BatchAnswer(identity, stream, _batch_result(message), message.correlation_id.HasField("structured"))


def decode_batch(call: int, data: bytes) -> tuple[int, AppendResult | EsdbError]:
    """Return the number of the append that is answered, and its result, which is `NoAnswer` if it can't be read.

    Raises NoAnswer if not even the number can be read, or if the answer belongs to another call. Every append pays for
    this function, so it reads no more of the answer than the caller gets.
    """
    try:
        message = pb.BatchAppendResp.FromString(data)
        halves = message.correlation_id.structured
        is_usual = halves.most_significant_bits == call
        number = halves.least_significant_bits if is_usual else _batch_number(call, message)
    except (DecodeError, InvalidArgument) as error:
        raise unreadable(error) from error
    try:
        return number, _batch_result(message)
    except Exception as error:
        return number, unreadable(error)


def _batch_number(call: int, message: pb.BatchAppendResp) -> int:
    """Return the number in any correlation id. Raises InvalidArgument if it is not an id of this call."""
    most, least = divmod(decode_uuid(message.correlation_id).int, HALF)
    if most != call:
        raise InvalidArgument("the correlation id belongs to no append")
    return least


def _batch_result(message: pb.BatchAppendResp) -> AppendResult | EsdbError:
    if message.HasField("success"):
        return decode_success(message.success)
    if not message.HasField("error"):
        return NoAnswer("it is neither a success nor an error")
    identity = decode_uuid(message.correlation_id)
    return decode_error(message.error, decode_stream(message.stream_identifier), identity)
