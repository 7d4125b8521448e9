"""The RPCs of the PersistentSubscriptions service."""

from __future__ import annotations

from fastapi_esdb.wire.codec.fields import nothing
from fastapi_esdb.wire.codec.scalars import NOTHING
from fastapi_esdb.wire.groups.answers import (
    decode_frame,
    decode_info_answer,
    decode_list_answer,
    encode_frame,
    encode_info_answer,
    encode_list_answer,
)
from fastapi_esdb.wire.groups.requests import (
    decode_consumer_frame,
    decode_create,
    decode_list,
    decode_replay,
    decode_truncate,
    decode_update,
    encode_consumer_frame,
    encode_create,
    encode_list,
    encode_replay,
    encode_truncate,
    encode_update,
    named_group,
)
from fastapi_esdb.wire.method import GROUPS, Codec, Service, Shape
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb

_SERVICE = Service(GROUPS)

CREATE_GROUP = _SERVICE.method(
    "Create",
    Codec(pb.CreateReq, encode_create, decode_create),
    nothing(pb.CreateResp),
)
UPDATE_GROUP = _SERVICE.method(
    "Update",
    Codec(pb.UpdateReq, encode_update, decode_update),
    nothing(pb.UpdateResp),
)
DELETE_GROUP = _SERVICE.method("Delete", named_group(pb.DeleteReq), nothing(pb.DeleteResp))
READ_GROUP = _SERVICE.method(
    "Read",
    Codec(pb.ReadReq, encode_consumer_frame, decode_consumer_frame),
    Codec(pb.ReadResp, encode_frame, decode_frame),
    shape=Shape.DUPLEX,
)
"""Consuming is a write: an event that one consumer has acknowledged is not delivered to another one."""

GROUP_INFO = _SERVICE.method(
    "GetInfo",
    named_group(pb.GetInfoReq),
    Codec(pb.GetInfoResp, encode_info_answer, decode_info_answer),
    writes=False,
    since="21.10.1",
)
LIST_GROUPS = _SERVICE.method(
    "List",
    Codec(pb.ListReq, encode_list, decode_list),
    Codec(pb.ListResp, encode_list_answer, decode_list_answer),
    writes=False,
    since="21.10.1",
)
REPLAY_PARKED = _SERVICE.method(
    "ReplayParked",
    Codec(pb.ReplayParkedReq, encode_replay, decode_replay),
    nothing(pb.ReplayParkedResp),
    since="21.10.1",
)
TRUNCATE_PARKED = _SERVICE.method(
    "TruncateParked",
    Codec(pb.TruncateParkedReq, encode_truncate, decode_truncate),
    nothing(pb.TruncateParkedResp),
    since="26.1.1",
)
RESTART_GROUPS = _SERVICE.method("RestartSubsystem", NOTHING, NOTHING, since="21.10.1")
