"""The small things that every service shares, from and to messages: ids, names, times, positions, expectations.

Functions that read a client's request raise `InvalidArgument` where a server refuses it. Submessages are written as
dicts of their fields, because protobuf has a class of its own for each place where a position or an "empty" stands.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec, Value
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import shared_pb2 as shared
from fastapi_esdb.wire.revisions import MAX_REVISION, StreamState

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fastapi_esdb.wire.proto.v1 import timestamp_pb2
    from fastapi_esdb.wire.revisions import Expected


Fields = dict[str, Any]

EMPTY: Fields = {}
"""An empty message, in a place where its presence says something."""

MAX_UINT64 = 2**64 - 1
"""Stands for "the end" in requests and for "not known" in positions of events from old servers."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NIL = UUID(int=0)
HALF = 2**64


def encode_uuid(value: UUID, structured: bool = False) -> Fields:
    """A UUID as text, or as two signed 64-bit halves."""
    if not structured:
        return {"string": str(value)}
    most, least = _signed(value.int >> 64), _signed(value.int % HALF)
    return {"structured": {"most_significant_bits": most, "least_significant_bits": least}}


def write_uuid(message: shared.UUID, value: UUID, structured: bool = False) -> None:
    """The same, into a message."""
    if structured:
        message.structured.most_significant_bits = _signed(value.int >> 64)
        message.structured.least_significant_bits = _signed(value.int % HALF)
    else:
        message.string = str(value)


def decode_uuid(message: shared.UUID) -> UUID:
    """Either form of a UUID; raises InvalidArgument where it is neither."""
    if text := message.string:
        return parse_uuid(text)
    if message.WhichOneof("value") != "structured":
        raise InvalidArgument("an id is missing: every id must be a UUID")
    halves = message.structured
    return UUID(int=halves.most_significant_bits % HALF << 64 | halves.least_significant_bits % HALF)


def parse_uuid(text: str) -> UUID:
    """A UUID from its text; raises InvalidArgument where it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidArgument(f"the id {text!r} is not a UUID") from None


def _signed(half: int) -> int:
    return half - HALF if half > MAX_REVISION else half


def encode_stream(name: str) -> Fields:
    """A stream's name as a StreamIdentifier; raises InvalidArgument for a name that no stream can have."""
    try:
        return {"stream_name": _not_empty(name).encode()}
    except UnicodeEncodeError:
        raise InvalidArgument(f"the stream name {name!r} is not valid Unicode text") from None


def decode_stream(message: shared.StreamIdentifier) -> str:
    """The name in a StreamIdentifier; bytes that are not UTF-8 become replacement characters, as in the server."""
    return message.stream_name.decode(errors="replace")


def decode_requested_stream(message: shared.StreamIdentifier) -> str:
    """The stream that a request names; raises InvalidArgument where it names none."""
    return _not_empty(decode_stream(message))


def _not_empty(name: str) -> str:
    if not name:
        raise InvalidArgument("the stream name is empty: it must have at least one character")
    return name


def encode_ticks(time: datetime) -> int:
    """A moment as the server counts it: units of 100 ns since 1970."""
    return (time - EPOCH) // MICROSECOND * 10


def decode_ticks(ticks: int) -> datetime:
    """The moment, aware, in UTC, cut to microseconds.

    Raises InvalidArgument for one beyond all calendars. The division is exact for the next two centuries (the quotient
    has less than 53 bits), and faster than adding a timedelta.
    """
    try:
        return datetime.fromtimestamp(ticks // 10 / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidArgument(f"the moment {ticks} is beyond the years 1 to 9999") from None


def encode_timestamp(time: datetime) -> Fields:
    """A moment as the fields of a google.protobuf.Timestamp."""
    seconds, microseconds = divmod((time - EPOCH) // MICROSECOND, 1_000_000)
    return {"seconds": seconds, "nanos": microseconds * 1000}


def decode_timestamp(message: timestamp_pb2.Timestamp) -> datetime:
    """The moment, aware, in UTC, cut to microseconds. Raises InvalidArgument for one beyond all calendars."""
    try:
        return EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)
    except OverflowError:
        raise InvalidArgument(f"the moment {message.seconds} is beyond the years 1 to 9999") from None


def known(read: Callable[[], Value]) -> Value | None:
    """What is read; `None` where a server has told something that it can't be."""
    try:
        return read()
    except InvalidArgument:
        return None


class PositionMessage(Protocol):
    """Any of the protocol's messages that hold a position."""

    @property
    def commit_position(self) -> int: ...

    @property
    def prepare_position(self) -> int: ...


def encode_position(position: Position) -> Fields:
    """A position as the fields of any message that holds one."""
    return {"commit_position": position.commit, "prepare_position": position.prepare}


def decode_position(message: PositionMessage) -> Position | None:
    """The position in a message; `None` where an old server (before 22.6) did not know it."""
    commit = message.commit_position
    return None if commit == MAX_UINT64 else Position(commit, message.prepare_position)


def check_revision(revision: int) -> int:
    """The revision; raises InvalidArgument where a server, which keeps it as a signed number, would not have it."""
    if not 0 <= revision <= MAX_REVISION:
        raise InvalidArgument(f"the revision {revision} is out of bounds: it must be between 0 and {MAX_REVISION}")
    return revision


def encode_expected(expected: Expected, revision: str = "revision") -> Fields:
    """An expected revision as the one field that says it; `revision` is that field's name for a number."""
    if isinstance(expected, StreamState):
        return {expected.name.lower(): EMPTY}
    return {revision: check_revision(expected)}


def decode_expected(options: Message, oneof: str, revision: str = "revision") -> Expected:
    """The expected revision in the oneof of that name; raises InvalidArgument where the request lacks it."""
    case = options.WhichOneof(oneof)
    if case is None:
        raise InvalidArgument(f"{oneof} is missing: give a revision, no_stream, any or stream_exists")
    return check_revision(getattr(options, case)) if case == revision else StreamState[case.upper()]


NOTHING: Codec[None] = Codec(shared.Empty, encode=lambda _: shared.Empty(), decode=lambda _: None)
"""The request of a call that needs none, and the answer of a call that has none."""
