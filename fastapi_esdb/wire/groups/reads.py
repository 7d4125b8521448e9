"""The conversation of a consumer with its persistent subscription, frame by frame, from and to messages."""

from __future__ import annotations

from fastapi_esdb.wire.codec.scalars import EMPTY, Fields, decode_uuid, encode_uuid
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.messages import decode_read_event, write_read_event
from fastapi_esdb.wire.groups.requests import decode_target, encode_target
from fastapi_esdb.wire.groups.values import (
    Ack,
    GroupConfirmed,
    GroupEvent,
    GroupReadFrame,
    GroupReadOptions,
    GroupReadRequest,
    Nack,
    NackAction,
)
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb
from fastapi_esdb.wire.streams.values import UnknownFrame

_ACTIONS = {action.value: action for action in NackAction}


def encode_request(frame: GroupReadRequest) -> pb.ReadReq:
    """The message of one frame of the consumer; raises InvalidArgument for options that can't be."""
    if isinstance(frame, GroupReadOptions):
        return pb.ReadReq(options=_encode_options(frame))
    ids = [encode_uuid(id_) for id_ in frame.ids]
    if isinstance(frame, Ack):
        return pb.ReadReq(ack={"ids": ids})
    return pb.ReadReq(nack={"ids": ids, "action": frame.action.value, "reason": frame.reason})


def decode_request(message: pb.ReadReq) -> GroupReadRequest:
    """One frame of the consumer; raises InvalidArgument for what a server does not answer."""
    case = message.WhichOneof("content")
    if case is None:
        raise InvalidArgument("a request of Read is empty: give options first, then acks and nacks")
    if case == "options":
        return _decode_options(message.options)
    if case == "ack":
        return Ack(tuple(decode_uuid(id_) for id_ in message.ack.ids))
    return _decode_nack(message.nack)


def _encode_options(options: GroupReadOptions) -> Fields:
    return {
        **encode_target(options.stream),
        "group_name": options.group,
        "buffer_size": _check_buffer(options.buffer_size),
        "uuid_option": {"structured" if options.structured_ids else "string": EMPTY},
    }


def _decode_options(options: pb.ReadReq.Options) -> GroupReadOptions:
    form = options.uuid_option.WhichOneof("content")
    if form is None:
        raise InvalidArgument("uuid_option is missing: give structured or string")
    size = _check_buffer(options.buffer_size)
    return GroupReadOptions(decode_target(options), options.group_name, size, form == "structured")


def _check_buffer(size: int) -> int:
    if size < 1:
        raise InvalidArgument(f"buffer_size is {size} and must be 1 or more")
    return size


def _decode_nack(nack: pb.ReadReq.Nack) -> Nack:
    """The nack; servers treat an action that they do not know as a retry."""
    ids = tuple(decode_uuid(id_) for id_ in nack.ids)
    return Nack(ids, _ACTIONS.get(nack.action, NackAction.UNKNOWN), nack.reason)


def encode_frame(frame: GroupReadFrame) -> pb.ReadResp:
    """The message of one frame of the server."""
    if isinstance(frame, GroupEvent):
        return _encode_event(frame)
    if isinstance(frame, GroupConfirmed):
        return pb.ReadResp(subscription_confirmation={"subscription_id": frame.subscription_id})
    return pb.ReadResp()


def decode_frame(message: pb.ReadResp) -> GroupReadFrame:
    """One frame of the server; `UnknownFrame` for what only newer servers send."""
    case = message.WhichOneof("content")
    if case == "event":
        return _decode_event(message.event)
    return GroupConfirmed(message.subscription_confirmation.subscription_id) if case else UnknownFrame()


def _encode_event(frame: GroupEvent) -> pb.ReadResp:
    response = pb.ReadResp()
    write_read_event(response.event, frame.event, frame.structured_ids)
    if frame.retry_count is None:
        response.event.no_retry_count.SetInParent()
    else:
        response.event.retry_count = frame.retry_count
    return response


def _decode_event(message: pb.ReadResp.ReadEvent) -> GroupEvent:
    count = message.retry_count if message.HasField("retry_count") else None
    return GroupEvent(decode_read_event(message), count)
