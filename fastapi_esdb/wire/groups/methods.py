"""The PersistentSubscriptions service: its RPCs."""

from __future__ import annotations

from typing import TypeVar

from fastapi_esdb.wire.codec.fields import nothing, options_of
from fastapi_esdb.wire.codec.scalars import NOTHING
from fastapi_esdb.wire.groups import reads, requests
from fastapi_esdb.wire.groups.answers import decode_info, encode_info
from fastapi_esdb.wire.groups.values import GroupInfo, GroupName
from fastapi_esdb.wire.method import Codec, Method, Request, Response, Shape
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb

Named = TypeVar("Named", pb.DeleteReq, pb.GetInfoReq)


def _name(message: type[Named]) -> Codec[GroupName]:
    def encode(value: GroupName) -> Named:
        return message(options={"group_name": value.group, **requests.encode_target(value.stream)})

    def decode(received: Named) -> GroupName:
        options = options_of(received)
        return GroupName(requests.decode_target(options), options.group_name)

    return Codec(message, encode, decode)


def _encode_answer(info: GroupInfo) -> pb.GetInfoResp:
    return pb.GetInfoResp(subscription_info=encode_info(info))


def _decode_answer(message: pb.GetInfoResp) -> GroupInfo:
    return decode_info(message.subscription_info)


def _encode_answers(infos: tuple[GroupInfo, ...]) -> pb.ListResp:
    return pb.ListResp(subscriptions=[encode_info(info) for info in infos])


def _decode_answers(message: pb.ListResp) -> tuple[GroupInfo, ...]:
    return tuple(decode_info(info) for info in message.subscriptions)


def _method(
    name: str,
    request: Codec[Request],
    response: Codec[Response],
    *,
    shape: Shape = Shape.UNARY,
    writes: bool = True,
    since: str = "20.6",
) -> Method[Request, Response]:
    service = "event_store.client.persistent_subscriptions.PersistentSubscriptions"
    return Method(service, name, shape, request, response, writes, since)


CREATE_GROUP = _method(
    "Create",
    Codec(pb.CreateReq, requests.encode_create, requests.decode_create),
    nothing(pb.CreateResp),
)
UPDATE_GROUP = _method(
    "Update",
    Codec(pb.UpdateReq, requests.encode_update, requests.decode_update),
    nothing(pb.UpdateResp),
)
DELETE_GROUP = _method("Delete", _name(pb.DeleteReq), nothing(pb.DeleteResp))
READ_GROUP = _method(
    "Read",
    Codec(pb.ReadReq, reads.encode_request, reads.decode_request),
    Codec(pb.ReadResp, reads.encode_frame, reads.decode_frame),
    shape=Shape.DUPLEX,
)
"""Consuming is a write: what a consumer acknowledges, no other consumer of the group gets."""

GROUP_INFO = _method(
    "GetInfo",
    _name(pb.GetInfoReq),
    Codec(pb.GetInfoResp, _encode_answer, _decode_answer),
    writes=False,
    since="21.10.1",
)
LIST_GROUPS = _method(
    "List",
    Codec(pb.ListReq, requests.encode_list, requests.decode_list),
    Codec(pb.ListResp, _encode_answers, _decode_answers),
    writes=False,
    since="21.10.1",
)
REPLAY_PARKED = _method(
    "ReplayParked",
    Codec(pb.ReplayParkedReq, requests.encode_replay, requests.decode_replay),
    nothing(pb.ReplayParkedResp),
    since="21.10.1",
)
RESTART_GROUPS = _method("RestartSubsystem", NOTHING, NOTHING, since="21.10.1")
