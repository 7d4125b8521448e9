"""Filters of `$all`, which reads and persistent subscriptions send in the same form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.wire.codec.scalars import EMPTY, Fields
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.streams.values import EventFilter

if TYPE_CHECKING:
    from fastapi_esdb.wire.proto.v1 import persistent_pb2, streams_pb2

    FilterOptions = streams_pb2.ReadReq.Options.FilterOptions | persistent_pb2.CreateReq.AllOptions.FilterOptions

BY_STREAM = "stream_identifier"
BY_TYPE = "event_type"


def encode_filter(given: EventFilter) -> Fields:
    """The fields of a FilterOptions message."""
    expression = {"regex": given.regex, "prefix": given.prefixes}
    window: Fields = {"count": EMPTY} if given.window is None else {"max": given.window}
    name = BY_STREAM if given.by_stream else BY_TYPE
    return {name: expression, "checkpointIntervalMultiplier": given.checkpoint_interval, **window}


def decode_filter(message: FilterOptions) -> EventFilter:
    """The filter that a client asks for; raises InvalidArgument where it lacks its kind or its window."""
    kind, window = message.WhichOneof("filter"), message.WhichOneof("window")
    if kind is None:
        raise InvalidArgument("the filter has no expression: give stream_identifier or event_type")
    if window is None:
        raise InvalidArgument("the filter has no window: give max or count")
    expression = message.stream_identifier if kind == BY_STREAM else message.event_type
    return EventFilter(
        by_stream=kind == BY_STREAM,
        prefixes=tuple(expression.prefix),
        regex=expression.regex,
        window=message.max if window == "max" else None,
        checkpoint_interval=message.checkpointIntervalMultiplier,
    )
