"""What to read and from where: a stream or `$all`, in the form that reads and persistent subscriptions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.wire.codec.scalars import (
    EMPTY,
    MAX_UINT64,
    Fields,
    check_revision,
    decode_requested_stream,
    encode_position,
    encode_stream,
)
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import END, MAX_REVISION, Edge, Position

if TYPE_CHECKING:
    from fastapi_esdb.wire.proto.v1 import persistent_pb2, streams_pb2

    StreamOptions = (
        streams_pb2.ReadReq.Options.StreamOptions
        | persistent_pb2.CreateReq.StreamOptions
        | persistent_pb2.UpdateReq.StreamOptions
    )
    AllOptions = (
        streams_pb2.ReadReq.Options.AllOptions
        | persistent_pb2.CreateReq.AllOptions
        | persistent_pb2.UpdateReq.AllOptions
    )

Start = int | Position | Edge
"""A revision of a stream, a position of `$all`, or an end of either."""


def encode_source(stream: str | None, start: Start) -> Fields:
    """The field `stream` or `all`; raises InvalidArgument for a name or a start that can't be."""
    if stream is None:
        return {"all": _encode_place(start)}
    return {"stream": {"stream_identifier": encode_stream(stream), **_encode_revision(start)}}


def _encode_revision(start: Start) -> Fields:
    if isinstance(start, Position):
        raise InvalidArgument(f"{start} is a place in $all: a stream is read from a revision, START or END")
    return {start.value: EMPTY} if isinstance(start, Edge) else {"revision": check_revision(start)}


def _encode_place(start: Start) -> Fields:
    if isinstance(start, Edge):
        return {start.value: EMPTY}
    if isinstance(start, Position):
        return {"position": encode_position(_check_position(start))}
    raise InvalidArgument(f"{start!r} is a revision of a stream: $all is read from a Position, START or END")


def decode_stream_start(options: StreamOptions) -> tuple[str, int | Edge]:
    """The stream and its start; raises InvalidArgument where the request lacks one of them."""
    stream = decode_requested_stream(options.stream_identifier)
    case = options.WhichOneof("revision_option")
    if case is None:
        raise InvalidArgument("revision_option is missing: give a revision, start or end")
    return stream, decode_revision(options.revision) if case == "revision" else Edge(case)


def decode_revision(revision: int) -> int | Edge:
    """The revision, whose largest value stands for the end."""
    return END if revision == MAX_UINT64 else check_revision(revision)


def decode_all_start(options: AllOptions) -> Position | Edge:
    """The start in `$all`; raises InvalidArgument where the request lacks it."""
    case = options.WhichOneof("all_option")
    if case is None:
        raise InvalidArgument("all_option is missing: give a position, start or end")
    if case != "position":
        return Edge(case)
    position = Position(options.position.commit_position, options.position.prepare_position)
    return END if position == Position(MAX_UINT64, MAX_UINT64) else _check_position(position)


def _check_position(position: Position) -> Position:
    if not 0 <= position.prepare <= position.commit <= MAX_REVISION:
        raise InvalidArgument(f"{position} is invalid: it must be that 0 <= prepare <= commit <= {MAX_REVISION}")
    return position
