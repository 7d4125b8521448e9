"""The RPCs of the v2 StreamsService, and the converters of its answers."""

from __future__ import annotations

from fastapi_esdb.wire.errors import NoAnswer
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v2 import streams_pb2 as pb
from fastapi_esdb.wire.proto.v2 import streams_shared_pb2 as shared
from fastapi_esdb.wire.streams_v2.requests import (
    decode_append_records,
    decode_session_append,
    encode_append_records,
    encode_session_append,
)
from fastapi_esdb.wire.streams_v2.values import (
    StreamsAppended,
)

SERVICE = "kurrentdb.protocol.v2.streams.StreamsService"


def _encode_session_answer(value: StreamsAppended) -> pb.AppendSessionResponse:
    output = [pb.AppendResponse(stream=stream, stream_revision=at) for stream, at in value.revisions.items()]
    return pb.AppendSessionResponse(output=output, position=value.position.commit)


def _decode_session_answer(message: pb.AppendSessionResponse) -> StreamsAppended:
    return _appended({one.stream: one.stream_revision for one in message.output}, message.position)


def _encode_records_answer(value: StreamsAppended) -> pb.AppendRecordsResponse:
    revisions = [shared.StreamRevision(stream=stream, revision=at) for stream, at in value.revisions.items()]
    return pb.AppendRecordsResponse(revisions=revisions, position=value.position.commit)


def _decode_records_answer(message: pb.AppendRecordsResponse) -> StreamsAppended:
    return _appended({one.stream: one.revision for one in message.revisions}, message.position)


def _appended(revisions: dict[str, int], position: int) -> StreamsAppended:
    """Return the result; both numbers of its position are the one that v2 answers have.

    Raises NoAnswer if there is no revision, or one that no stream can have.
    """
    if not revisions or min(position, *revisions.values()) < 0:
        raise NoAnswer("it tells no revisions of the streams")
    return StreamsAppended(revisions, Position(position, position))


APPEND_SESSION = Method(
    SERVICE,
    "AppendSession",
    Shape.CLIENT_STREAM,
    Codec(pb.AppendRequest, encode_session_append, decode_session_append),
    Codec(pb.AppendSessionResponse, _encode_session_answer, _decode_session_answer),
    writes=True,
    since="25.1",
)
APPEND_RECORDS = Method(
    SERVICE,
    "AppendRecords",
    Shape.UNARY,
    Codec(pb.AppendRecordsRequest, encode_append_records, decode_append_records),
    Codec(pb.AppendRecordsResponse, _encode_records_answer, _decode_records_answer),
    writes=True,
    since="26.0.3",
)
