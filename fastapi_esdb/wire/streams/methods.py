"""Streams.Read: reads of a stream and of `$all`, catch-up subscriptions to both. All of them are one call."""

from __future__ import annotations

from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.answers import decode_frame, encode_frame
from fastapi_esdb.wire.streams.requests import decode_request, encode_request
from fastapi_esdb.wire.streams.values import ReadFrame, ReadRequest

STREAMS = "event_store.client.streams.Streams"

READ: Method[ReadRequest, ReadFrame] = Method(
    STREAMS,
    "Read",
    Shape.SERVER_STREAM,
    Codec(pb.ReadReq, encode_request, decode_request),
    Codec(pb.ReadResp, encode_frame, decode_frame),
)
