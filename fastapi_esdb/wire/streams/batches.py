"""Streams.BatchAppend: many appends over one long call, each with an answer of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi_esdb.wire.codec.scalars import (
    Fields,
    decode_expected,
    decode_requested_stream,
    decode_stream,
    decode_timestamp,
    decode_uuid,
    encode_expected,
    encode_stream,
    encode_uuid,
)
from fastapi_esdb.wire.errors import CallerError
from fastapi_esdb.wire.events.messages import decode_proposed, encode_proposed
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.status.batch_errors import decode_error, encode_error
from fastapi_esdb.wire.streams.appends import decode_success, encode_success
from fastapi_esdb.wire.streams.methods import STREAMS
from fastapi_esdb.wire.streams.values import AppendResult, BatchAnswer, BatchFragment, BatchOptions

if TYPE_CHECKING:
    from fastapi_esdb.wire.proto.v1 import duration_pb2, shared_pb2

REVISION = "stream_position"
NANOSECONDS = 1_000_000_000


def _encode_request(fragment: BatchFragment) -> pb.BatchAppendReq:
    fields: Fields = {
        "correlation_id": encode_uuid(fragment.correlation_id, fragment.structured_id),
        "proposed_messages": [encode_proposed(event) for event in fragment.events],
        "is_final": fragment.final,
    }
    if fragment.options:
        fields["options"] = _encode_options(fragment.options)
    return pb.BatchAppendReq(**fields)


def _encode_options(options: BatchOptions) -> Fields:
    fields = {"stream_identifier": encode_stream(options.stream), **encode_expected(options.expected, REVISION)}
    if options.deadline is not None:
        seconds, nanos = divmod(round(options.deadline * NANOSECONDS), NANOSECONDS)
        fields["deadline"] = {"seconds": seconds, "nanos": nanos}
    return fields


def _decode_request(message: pb.BatchAppendReq) -> BatchFragment:
    options, events, problem = None, [], None
    try:
        options = _decode_options(message.options) if message.HasField("options") else None
        events = [decode_proposed(event) for event in message.proposed_messages]
    except CallerError as found:
        problem = found
    identity = decode_uuid(message.correlation_id)
    structured = _is_structured(message.correlation_id)
    return BatchFragment(identity, options, tuple(events), message.is_final, structured, problem)


def _decode_options(message: pb.BatchAppendReq.Options) -> BatchOptions:
    stream = decode_requested_stream(message.stream_identifier)
    expected = decode_expected(message, "expected_stream_position", REVISION)
    return BatchOptions(stream, expected, _decode_deadline(message))


def _decode_deadline(message: pb.BatchAppendReq.Options) -> float | None:
    """Seconds from now; clients of version 21.10.0 and before send the moment itself."""
    match message.WhichOneof("deadline_option"):
        case "deadline":
            return _seconds(message.deadline)
        case "deadline_21_10_0":
            return (decode_timestamp(message.deadline_21_10_0) - datetime.now(UTC)).total_seconds()
        case _:
            return None


def _seconds(duration: duration_pb2.Duration) -> float:
    return duration.seconds + duration.nanos / NANOSECONDS


def _is_structured(message: shared_pb2.UUID) -> bool:
    return message.HasField("structured")


def _encode_response(answer: BatchAnswer) -> pb.BatchAppendResp:
    fields: Fields = {"correlation_id": encode_uuid(answer.correlation_id, answer.structured_id)}
    if answer.stream:
        fields["stream_identifier"] = encode_stream(answer.stream)
    if isinstance(answer.result, AppendResult):
        return pb.BatchAppendResp(success=encode_success(answer.result), **fields)
    return pb.BatchAppendResp(error=encode_error(answer.result), **fields)


def _decode_response(message: pb.BatchAppendResp) -> BatchAnswer:
    identity = decode_uuid(message.correlation_id)
    stream = decode_stream(message.stream_identifier)
    structured = _is_structured(message.correlation_id)
    if message.HasField("success"):
        return BatchAnswer(identity, stream, decode_success(message.success), structured)
    return BatchAnswer(identity, stream, decode_error(message.error, stream, identity), structured)


BATCH_APPEND: Method[BatchFragment, BatchAnswer] = Method(
    STREAMS,
    "BatchAppend",
    Shape.DUPLEX,
    Codec(pb.BatchAppendReq, _encode_request, _decode_request),
    Codec(pb.BatchAppendResp, _encode_response, _decode_response),
    writes=True,
    since="21.6",
)
