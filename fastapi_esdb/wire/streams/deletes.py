"""Streams.Delete and Streams.Tombstone: a stream's end, for now or for good."""

from __future__ import annotations

from typing import TypeVar

from fastapi_esdb.wire.codec.scalars import (
    EMPTY,
    Fields,
    decode_expected,
    decode_position,
    decode_requested_stream,
    encode_expected,
    encode_position,
    encode_stream,
)
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.methods import STREAMS
from fastapi_esdb.wire.streams.values import DeleteRequest, DeleteResult

RequestMessage = TypeVar("RequestMessage", pb.DeleteReq, pb.TombstoneReq)
ResponseMessage = TypeVar("ResponseMessage", pb.DeleteResp, pb.TombstoneResp)


def _request(cls: type[RequestMessage]) -> Codec[DeleteRequest]:
    def encode(request: DeleteRequest) -> RequestMessage:
        stream = encode_stream(request.stream)
        return cls(options={"stream_identifier": stream, **encode_expected(request.expected)})

    def decode(message: RequestMessage) -> DeleteRequest:
        options = message.options
        stream = decode_requested_stream(options.stream_identifier)
        return DeleteRequest(stream, decode_expected(options, "expected_stream_revision"))

    return Codec(cls, encode, decode)


def _response(cls: type[ResponseMessage]) -> Codec[DeleteResult]:
    def encode(result: DeleteResult) -> ResponseMessage:
        position = result.position
        fields: Fields = {"position": encode_position(position)} if position else {"no_position": EMPTY}
        return cls(**fields)

    def decode(message: ResponseMessage) -> DeleteResult:
        return DeleteResult(decode_position(message.position) if message.HasField("position") else None)

    return Codec(cls, encode, decode)


DELETE: Method[DeleteRequest, DeleteResult] = Method(
    STREAMS, "Delete", Shape.UNARY, _request(pb.DeleteReq), _response(pb.DeleteResp), writes=True
)

TOMBSTONE: Method[DeleteRequest, DeleteResult] = Method(
    STREAMS, "Tombstone", Shape.UNARY, _request(pb.TombstoneReq), _response(pb.TombstoneResp), writes=True
)
