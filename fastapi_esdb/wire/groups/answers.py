"""Converters of the information about persistent subscriptions, and of the frames that consumers receive."""

from __future__ import annotations

from contextlib import suppress

from fastapi_esdb.wire.codec.fields import from_fields, to_fields
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.messages import decode_read_event, write_read_event
from fastapi_esdb.wire.groups.values import (
    GroupConfirmed,
    GroupConnection,
    GroupEvent,
    GroupInfo,
    GroupReadFrame,
    GroupSettings,
)
from fastapi_esdb.wire.positions import Edge, Position
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb
from fastapi_esdb.wire.streams.values import ALL, UnknownFrame

_INFO = {
    "source": "event_source",
    "group": "group_name",
    "status": "status",
    "average_per_second": "average_per_second",
    "total_items": "total_items",
    "count_since_last_measurement": "count_since_last_measurement",
    "read_buffer_count": "read_buffer_count",
    "live_buffer_count": "live_buffer_count",
    "retry_buffer_count": "retry_buffer_count",
    "in_flight": "total_in_flight_messages",
    "outstanding": "outstanding_messages_count",
    "parked": "parked_message_count",
}
_SETTINGS = {
    "resolve_links": "resolve_link_tos",
    "extra_statistics": "extra_statistics",
    "message_timeout_ms": "message_timeout_milliseconds",
    "max_retry_count": "max_retry_count",
    "checkpoint_after_ms": "check_point_after_milliseconds",
    "min_checkpoint_count": "min_check_point_count",
    "max_checkpoint_count": "max_check_point_count",
    "max_subscriber_count": "max_subscriber_count",
    "live_buffer_size": "live_buffer_size",
    "read_batch_size": "read_batch_size",
    "history_buffer_size": "buffer_size",
    "strategy": "named_consumer_strategy",
}
_CONNECTION = {
    "address": "from",
    "username": "username",
    "name": "connection_name",
    "average_per_second": "average_items_per_second",
    "total_items": "total_items",
    "count_since_last_measurement": "count_since_last_measurement",
    "available_slots": "available_slots",
    "in_flight": "in_flight_messages",
}

END_OF_STREAM = "-1"
END_OF_ALL = "C:-1/P:-1"


def encode_info_answer(info: GroupInfo) -> pb.GetInfoResp:
    """Return the message of GetInfo's answer."""
    return pb.GetInfoResp(subscription_info=_encode_info(info))


def decode_info_answer(message: pb.GetInfoResp) -> GroupInfo:
    """Return GetInfo's answer."""
    return _decode_info(message.subscription_info)


def encode_list_answer(infos: tuple[GroupInfo, ...]) -> pb.ListResp:
    """Return the message of List's answer."""
    return pb.ListResp(subscriptions=[_encode_info(info) for info in infos])


def decode_list_answer(message: pb.ListResp) -> tuple[GroupInfo, ...]:
    """Return List's answer."""
    return tuple(_decode_info(info) for info in message.subscriptions)


def _encode_info(info: GroupInfo) -> pb.SubscriptionInfo:
    """Return the message with the information about a group."""
    return pb.SubscriptionInfo(
        connections=[_encode_connection(connection) for connection in info.connections],
        start_from=_encode_start(info),
        last_checkpointed_event_position=_encode_point(info.last_checkpointed),
        last_known_event_position=_encode_point(info.last_known),
        **to_fields(info, _INFO),
        **to_fields(info.settings, _SETTINGS),
    )


def _decode_info(message: pb.SubscriptionInfo) -> GroupInfo:
    """Return the information about a group."""
    return GroupInfo(
        settings=GroupSettings(**from_fields(message, _SETTINGS)),
        start=Edge.END if message.start_from in (END_OF_STREAM, END_OF_ALL) else _decode_point(message.start_from),
        last_checkpointed=_decode_point(message.last_checkpointed_event_position),
        last_known=_decode_point(message.last_known_event_position),
        connections=tuple(_decode_connection(connection) for connection in message.connections),
        **from_fields(message, _INFO),
    )


def _encode_connection(connection: GroupConnection) -> pb.SubscriptionInfo.ConnectionInfo:
    measured = [{"key": key, "value": value} for key, value in connection.measurements.items()]
    return pb.SubscriptionInfo.ConnectionInfo(observed_measurements=measured, **to_fields(connection, _CONNECTION))


def _decode_connection(message: pb.SubscriptionInfo.ConnectionInfo) -> GroupConnection:
    measured = {one.key: one.value for one in message.observed_measurements}
    return GroupConnection(measurements=measured, **from_fields(message, _CONNECTION))


def _encode_start(info: GroupInfo) -> str:
    if info.start is Edge.END:
        return END_OF_ALL if info.source == ALL else END_OF_STREAM
    return _encode_point(info.start)


def _encode_point(point: int | Position | None) -> str:
    return "" if point is None else str(point)


def _decode_point(text: str) -> int | Position | None:
    with suppress(InvalidArgument):
        return Position.parse(text)
    return int(text) if text.isdecimal() else None


def encode_frame(frame: GroupReadFrame) -> pb.ReadResp:
    """Return the message of a frame for a consumer."""
    if isinstance(frame, GroupEvent):
        return _encode_event(frame)
    if isinstance(frame, GroupConfirmed):
        return pb.ReadResp(subscription_confirmation={"subscription_id": frame.subscription_id})
    return pb.ReadResp()


def decode_frame(message: pb.ReadResp) -> GroupReadFrame:
    """Return a frame that a consumer has received; `UnknownFrame` for a kind that only newer servers send."""
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
