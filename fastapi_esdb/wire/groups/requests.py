"""Converters of the requests about persistent subscriptions, and of the frames that their consumers send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from fastapi_esdb.wire.codec.fields import options_of, same_names, to_fields
from fastapi_esdb.wire.codec.scalars import (
    EMPTY,
    Fields,
    decode_requested_stream,
    decode_uuid,
    encode_stream,
    encode_uuid,
)
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.messages import (
    decode_all_start,
    decode_filter,
    decode_revision,
    decode_stream_start,
    encode_filter,
    encode_source,
)
from fastapi_esdb.wire.groups.values import (
    Ack,
    ConsumerStrategy,
    CreateGroup,
    GroupName,
    GroupReadOptions,
    GroupReadRequest,
    GroupSettings,
    ListGroups,
    Nack,
    NackAction,
    ReplayParked,
    TruncateParked,
    UpdateGroup,
)
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.positions import Start
from fastapi_esdb.wire.proto.v1 import persistent_pb2 as pb
from fastapi_esdb.wire.streams.values import ALL

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import EventFilter

    Options = pb.CreateReq.Options | pb.UpdateReq.Options
    Settings = pb.CreateReq.Settings | pb.UpdateReq.Settings
    Target = pb.ReadReq.Options | pb.DeleteReq.Options | pb.GetInfoReq.Options | pb.ReplayParkedReq.Options


TICKS_PER_MILLISECOND = 10_000

_STRATEGIES: dict[str, int] = {
    ConsumerStrategy.DISPATCH_TO_SINGLE: 0,
    ConsumerStrategy.ROUND_ROBIN: 1,
    ConsumerStrategy.PINNED: 2,
}
"""The numbers of those strategies that have one; servers before 21.10.1 know no others."""
_STRATEGY_OF = {number: strategy for strategy, number in _STRATEGIES.items()}

_SETTINGS = {name: name for name in same_names(GroupSettings) if name != "strategy"}
_TIMES = ("message_timeout", "checkpoint_after")


def encode_create(value: CreateGroup) -> pb.CreateReq:
    """Return the message. Raises InvalidArgument for an impossible name or start, or a filter of a stream."""
    if value.filter and value.stream is not None:
        raise InvalidArgument("filter is for groups of $all: a group of a stream gets all its events")
    source = encode_source(value.stream, value.start)
    if value.stream is None:
        chosen = {"filter": encode_filter(value.filter)} if value.filter else {"no_filter": EMPTY}
        source["all"] = {**source["all"], **chosen}
    settings = _encode_settings(value.settings)
    settings["consumer_strategy"] = value.settings.strategy
    return pb.CreateReq(options={"group_name": value.group, "settings": settings, **source})


def decode_create(message: pb.CreateReq) -> CreateGroup:
    """Return the group to create. Raises InvalidArgument if its source, start or filter option is missing."""
    options = options_of(message)
    stream, start = _decode_source(options)
    strategy = options.settings.consumer_strategy or _decode_strategy(options.settings)
    chosen = _decode_filter(options.all) if stream is None else None
    return CreateGroup(stream, options.group_name, _decode_settings(options.settings, strategy), start, chosen)


def encode_update(value: UpdateGroup) -> pb.UpdateReq:
    """Return the message. Raises InvalidArgument for a strategy that no update can set, and as `encode_create` does."""
    if value.settings.strategy not in _STRATEGIES:
        known = ", ".join(_STRATEGIES)
        raise InvalidArgument(f"strategy {value.settings.strategy} cannot be set by an update: it can be {known}")
    source = encode_source(value.stream, value.start)
    return pb.UpdateReq(options={"group_name": value.group, "settings": _encode_settings(value.settings), **source})


def decode_update(message: pb.UpdateReq) -> UpdateGroup:
    """Return the new settings. Raises InvalidArgument if the source or the start is missing."""
    options = options_of(message)
    stream, start = _decode_source(options)
    settings = _decode_settings(options.settings, _decode_strategy(options.settings))
    return UpdateGroup(stream, options.group_name, settings, start)


def _encode_settings(settings: GroupSettings) -> Fields:
    return {**to_fields(settings, _SETTINGS), "named_consumer_strategy": _STRATEGIES.get(settings.strategy, 0)}


def _decode_settings(message: Settings, strategy: str) -> GroupSettings:
    fields = {name: getattr(message, name) for name in _SETTINGS}
    for name in _TIMES:
        if message.HasField(f"{name}_ticks"):
            fields[f"{name}_ms"] = getattr(message, f"{name}_ticks") // TICKS_PER_MILLISECOND
    return GroupSettings(**fields, strategy=strategy)


def _decode_strategy(message: Settings) -> str:
    number = message.named_consumer_strategy
    if number not in _STRATEGY_OF:
        raise InvalidArgument(f"named_consumer_strategy is {number} and must be one of {sorted(_STRATEGY_OF)}")
    return _STRATEGY_OF[number]


def _decode_source(options: Options) -> tuple[str | None, Start]:
    case = options.WhichOneof("stream_option")
    if case == "all":
        return None, decode_all_start(options.all)
    if case == "stream":
        return decode_stream_start(options.stream)
    # clients from before 21.6 have the stream and its start in other fields
    return decode_requested_stream(options.stream_identifier), decode_revision(options.settings.revision)


def _decode_filter(options: pb.CreateReq.AllOptions) -> EventFilter | None:
    case = options.WhichOneof("filter_option")
    if case is None:
        raise InvalidArgument("filter_option is missing: give filter or no_filter")
    return decode_filter(options.filter) if case == "filter" else None


def encode_target(stream: str | None) -> Fields:
    """Return the field for the stream of a group, or for `$all`."""
    return {"all": EMPTY} if stream is None else {"stream_identifier": encode_stream(stream)}


def decode_target(options: Target) -> str | None:
    """Return the stream of a group, `None` for `$all`. Raises InvalidArgument if both are missing."""
    case = options.WhichOneof("stream_option")
    if case is None:
        raise InvalidArgument("stream_option is missing: give stream_identifier or all")
    return None if case == "all" else decode_requested_stream(options.stream_identifier)


def encode_replay(value: ReplayParked) -> pb.ReplayParkedReq:
    """Return the message. Raises InvalidArgument for a bound below 0."""
    return pb.ReplayParkedReq(options=_parked_before(value))


def decode_replay(message: pb.ReplayParkedReq) -> ReplayParked:
    """Return the events to replay. Raises InvalidArgument if the group's source or the bound is missing."""
    options = options_of(message)
    return ReplayParked(decode_target(options), options.group_name, _bound(options))


def encode_truncate(value: TruncateParked) -> pb.TruncateParkedReq:
    """Return the message. Raises InvalidArgument for a bound below 0."""
    return pb.TruncateParkedReq(options=_parked_before(value))


def decode_truncate(message: pb.TruncateParkedReq) -> TruncateParked:
    """Return the events to drop. Raises InvalidArgument if the group's source or the bound is missing."""
    options = options_of(message)
    return TruncateParked(decode_target(options), options.group_name, _bound(options))


def _parked_before(value: ReplayParked | TruncateParked) -> Fields:
    if value.stop_at is not None and value.stop_at < 0:
        raise InvalidArgument(f"stop_at is {value.stop_at} and must be 0 or more")
    bound: Fields = {"no_limit": EMPTY} if value.stop_at is None else {"stop_at": value.stop_at}
    return {"group_name": value.group, **encode_target(value.stream), **bound}


def _bound(options: pb.ReplayParkedReq.Options | pb.TruncateParkedReq.Options) -> int | None:
    case = options.WhichOneof("stop_at_option")
    if case is None:
        raise InvalidArgument("stop_at_option is missing: give stop_at or no_limit")
    return options.stop_at if case == "stop_at" else None


def encode_list(value: ListGroups) -> pb.ListReq:
    """Return the message. Raises InvalidArgument for a name that no stream can have."""
    if value.source is None:
        return pb.ListReq(options={"list_all_subscriptions": EMPTY})
    stream: Fields = {"all": EMPTY} if value.source == ALL else {"stream": encode_stream(value.source)}
    return pb.ListReq(options={"list_for_stream": stream})


def decode_list(message: pb.ListReq) -> ListGroups:
    """Return the groups to list. Raises InvalidArgument if the request does not say which."""
    options = options_of(message)
    case = options.WhichOneof("list_option")
    if case is None:
        raise InvalidArgument("list_option is missing: give list_all_subscriptions or list_for_stream")
    return ListGroups(None if case == "list_all_subscriptions" else _decode_listed(options.list_for_stream))


def _decode_listed(options: Any) -> str:
    case = options.WhichOneof("stream_option")
    if case is None:
        raise InvalidArgument("stream_option is missing: give stream or all")
    return ALL if case == "all" else decode_requested_stream(options.stream)


NamedMessage = TypeVar("NamedMessage", pb.DeleteReq, pb.GetInfoReq)


def named_group(message: type[NamedMessage]) -> Codec[GroupName]:
    """Return the codec of a request that names a group and has nothing else."""

    def encode(value: GroupName) -> NamedMessage:
        return message(options={"group_name": value.group, **encode_target(value.stream)})

    def decode(received: NamedMessage) -> GroupName:
        options = options_of(received)
        return GroupName(decode_target(options), options.group_name)

    return Codec(message, encode, decode)


_ACTIONS = {action.value: action for action in NackAction}


def encode_consumer_frame(frame: GroupReadRequest) -> pb.ReadReq:
    """Return the message of a consumer's frame. Raises InvalidArgument for options that are not possible."""
    if isinstance(frame, GroupReadOptions):
        return pb.ReadReq(options=_encode_read_options(frame))
    ids = [encode_uuid(id_) for id_ in frame.ids]
    if isinstance(frame, Ack):
        return pb.ReadReq(ack={"ids": ids})
    return pb.ReadReq(nack={"ids": ids, "action": frame.action.value, "reason": frame.reason})


def decode_consumer_frame(message: pb.ReadReq) -> GroupReadRequest:
    """Return a frame that a consumer has sent. Raises InvalidArgument if a server would refuse it."""
    case = message.WhichOneof("content")
    if case is None:
        raise InvalidArgument("a request of Read is empty: give options first, then acks and nacks")
    if case == "options":
        return _decode_read_options(message.options)
    if case == "ack":
        return Ack(tuple(decode_uuid(id_) for id_ in message.ack.ids))
    return _decode_nack(message.nack)


def _encode_read_options(options: GroupReadOptions) -> Fields:
    return {
        **encode_target(options.stream),
        "group_name": options.group,
        "buffer_size": _check_buffer(options.buffer_size),
        "uuid_option": {"structured" if options.structured_ids else "string": EMPTY},
    }


def _decode_read_options(options: pb.ReadReq.Options) -> GroupReadOptions:
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
    """Return the nack. An unknown action is `UNKNOWN`, which servers treat as a retry."""
    ids = tuple(decode_uuid(id_) for id_ in nack.ids)
    return Nack(ids, _ACTIONS.get(nack.action, NackAction.UNKNOWN), nack.reason)
