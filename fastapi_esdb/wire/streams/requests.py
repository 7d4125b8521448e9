"""What a Streams.Read call asks for, from and to its message."""

from __future__ import annotations

from fastapi_esdb.wire.codec.scalars import EMPTY, Fields
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.filters import decode_filter, encode_filter
from fastapi_esdb.wire.events.starts import Start, decode_all_start, decode_stream_start, encode_source
from fastapi_esdb.wire.events.values import BACKWARDS, FORWARDS
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.values import ALL_EVENTS, ReadRequest

Options = pb.ReadReq.Options

REQUIRED = {
    "stream_option": "stream or all",
    "count_option": "count or subscription",
    "filter_option": "filter or no_filter",
}
"""The choices that a client must make in every Read."""


def encode_request(request: ReadRequest) -> pb.ReadReq:
    """The message; raises InvalidArgument for a start or a stream name that can't be."""
    fields: Fields = {
        "read_direction": Options.Backwards if request.direction is BACKWARDS else Options.Forwards,
        "resolve_links": request.resolve_links,
        "uuid_option": {"structured" if request.structured_ids else "string": EMPTY},
        **encode_source(request.stream, request.start),
        **({"subscription": EMPTY} if request.subscribe else {"count": request.limit}),
        **({"filter": encode_filter(request.filter)} if request.filter else {"no_filter": EMPTY}),
        **({"control_option": {"compatibility": request.compatibility}} if request.compatibility else {}),
    }
    return pb.ReadReq(options=fields)


def decode_request(message: pb.ReadReq) -> ReadRequest:
    """What the client asks for; raises InvalidArgument for what a server does not answer."""
    options = _checked(message)
    stream, start = _decode_source(options)
    return ReadRequest(
        stream=stream,
        start=start,
        direction=BACKWARDS if options.read_direction == Options.Backwards else FORWARDS,
        limit=options.count if options.HasField("count") else ALL_EVENTS,
        subscribe=options.HasField("subscription"),
        resolve_links=options.resolve_links,
        filter=decode_filter(options.filter) if options.HasField("filter") else None,
        structured_ids=options.uuid_option.HasField("structured"),
        compatibility=options.control_option.compatibility,
    )


def _decode_source(options: Options) -> tuple[str | None, Start]:
    if options.HasField("stream"):
        return decode_stream_start(options.stream)
    return None, decode_all_start(options.all)


def _checked(message: pb.ReadReq) -> Options:
    if not message.HasField("options"):
        raise InvalidArgument("options are missing: a Read must say what to read")
    options = message.options
    if options.uuid_option.WhichOneof("content") is None:
        raise InvalidArgument("uuid_option is missing: give structured or string")
    for name, choices in REQUIRED.items():
        if options.WhichOneof(name) is None:
            raise InvalidArgument(f"{name} is missing: give {choices}")
    _check_combination(options)
    return options


def _check_combination(options: Options) -> None:
    if options.HasField("filter") and options.HasField("stream"):
        raise InvalidArgument("a filter goes with all only: read the stream with no_filter")
    if not options.HasField("subscription"):
        return
    if options.read_direction != Options.Forwards:
        raise InvalidArgument("a subscription goes forwards only: set read_direction to Forwards")
    if options.HasField("filter") and options.filter.checkpointIntervalMultiplier == 0:
        raise InvalidArgument("checkpointIntervalMultiplier is 0: a filtered subscription needs at least 1")
