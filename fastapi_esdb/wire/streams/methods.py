"""The RPCs of the Streams service."""

from __future__ import annotations

from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.answers import (
    decode_append_answer,
    decode_batch_answer,
    decode_frame,
    decode_frames,
    delete_answer,
    encode_append_answer,
    encode_batch_answer,
    encode_frame,
)
from fastapi_esdb.wire.streams.requests import (
    decode_append_frame,
    decode_fragment,
    decode_read,
    delete_request,
    encode_append_frame,
    encode_fragment,
    encode_read,
    write_read,
)
from fastapi_esdb.wire.streams.values import (
    AppendAnswer,
    AppendFrame,
    BatchAnswer,
    BatchFragment,
    DeleteRequest,
    DeleteResult,
    ReadFrame,
    ReadRequest,
)

STREAMS = "event_store.client.streams.Streams"

READ: Method[ReadRequest, ReadFrame] = Method(
    STREAMS,
    "Read",
    Shape.SERVER_STREAM,
    Codec(pb.ReadReq, encode_read, decode_read, write=write_read),
    Codec(pb.ReadResp, encode_frame, decode_frame, decode_frames),
)

APPEND: Method[AppendFrame, AppendAnswer] = Method(
    STREAMS,
    "Append",
    Shape.CLIENT_STREAM,
    Codec(pb.AppendReq, encode_append_frame, decode_append_frame),
    Codec(pb.AppendResp, encode_append_answer, decode_append_answer),
    writes=True,
)

DELETE: Method[DeleteRequest, DeleteResult] = Method(
    STREAMS, "Delete", Shape.UNARY, delete_request(pb.DeleteReq), delete_answer(pb.DeleteResp), writes=True
)

TOMBSTONE: Method[DeleteRequest, DeleteResult] = Method(
    STREAMS, "Tombstone", Shape.UNARY, delete_request(pb.TombstoneReq), delete_answer(pb.TombstoneResp), writes=True
)

BATCH_APPEND: Method[BatchFragment, BatchAnswer] = Method(
    STREAMS,
    "BatchAppend",
    Shape.DUPLEX,
    Codec(pb.BatchAppendReq, encode_fragment, decode_fragment),
    Codec(pb.BatchAppendResp, encode_batch_answer, decode_batch_answer),
    writes=True,
    since="21.6",
)
