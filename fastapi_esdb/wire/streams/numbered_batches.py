"""BatchAppend as the client speaks it: each append is one message, known by its number within the call.

Built and read by hand, since every append pays for it: no plain value in between, the options of recent streams are
kept, and of an answer only what the caller gets is looked at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from fastapi_esdb.wire.codec.scalars import HALF, decode_stream, decode_uuid, encode_expected, encode_stream
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument, NoAnswer
from fastapi_esdb.wire.errors.unreadable import unreadable
from fastapi_esdb.wire.events.messages import CONTENT_TYPE, TYPE
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.status.batch_errors import decode_error
from fastapi_esdb.wire.streams.appends import decode_success
from fastapi_esdb.wire.streams.batches import NANOSECONDS, REVISION

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import Expected, ProposedEvent
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

RECENT = 1024
"""How many streams' options are kept."""


def encode_batch(call: int, number: int, append: AppendRequest, seconds: float) -> bytes:
    """An append as the bytes of one message; `seconds` are what is left until its deadline.

    The correlation id is made of two numbers below 2^63, that of the call and the append's own. Raises
    InvalidArgument for an append that the protocol has no room for.
    """
    try:
        message = pb.BatchAppendReq(options=_options(append.stream, append.expected), is_final=True)
        _write_id(message, call, number)
        _write_deadline(message, seconds)
        for event in append.events:
            _write_event(message, event)
        serialized: bytes = message.SerializeToString()
    except (TypeError, ValueError) as error:
        if isinstance(error, EsdbError):
            raise
        raise InvalidArgument(f"the append to {append.stream!r} can't be sent: {error}") from error
    return serialized


@lru_cache(RECENT)
def _options(stream: str, expected: Expected) -> pb.BatchAppendReq.Options:
    return pb.BatchAppendReq.Options(stream_identifier=encode_stream(stream), **encode_expected(expected, REVISION))


def _write_id(message: pb.BatchAppendReq, call: int, number: int) -> None:
    halves = message.correlation_id.structured
    halves.most_significant_bits = call
    halves.least_significant_bits = number


def _write_deadline(message: pb.BatchAppendReq, seconds: float) -> None:
    deadline = message.options.deadline
    deadline.seconds = int(seconds)
    deadline.nanos = int(seconds % 1 * NANOSECONDS)


def _write_event(message: pb.BatchAppendReq, event: ProposedEvent) -> None:
    proposed = message.proposed_messages.add()
    proposed.id.string = str(event.id)
    proposed.metadata[TYPE] = event.type
    proposed.metadata[CONTENT_TYPE] = event.content_type
    proposed.data = event.data
    if event.metadata:
        proposed.custom_metadata = event.metadata


def decode_batch(call: int, data: bytes) -> tuple[int, AppendResult | EsdbError]:
    """The number of the append that is answered, and how: with `NoAnswer` where it can't be read how.

    Raises NoAnswer where it can't even be read which append of the `call` it is.
    """
    try:
        message = pb.BatchAppendResp.FromString(data)
        number = _number(call, message)
    except (DecodeError, InvalidArgument) as error:
        raise unreadable(error) from error
    try:
        return number, _result(message)
    except Exception as error:
        return number, unreadable(error)


def _number(call: int, message: pb.BatchAppendResp) -> int:
    """The number in an answer's correlation id."""
    halves = message.correlation_id.structured
    if halves.most_significant_bits == call:
        return halves.least_significant_bits
    most, least = divmod(decode_uuid(message.correlation_id).int, HALF)
    if most != call:
        raise InvalidArgument("the correlation id is that of no append")
    return least


def _result(message: pb.BatchAppendResp) -> AppendResult | EsdbError:
    if message.HasField("success"):
        return decode_success(message.success)
    if not message.HasField("error"):
        return NoAnswer("it is neither a success nor an error")
    identity = decode_uuid(message.correlation_id)
    return decode_error(message.error, decode_stream(message.stream_identifier), identity)
