"""Converters that all services use: of ids, names, times, positions and expected revisions.

Functions that read the request of a client raise `InvalidArgument` if a server would refuse it. Nested messages are
written as dicts of their fields, because the protocol has many classes of messages for the same position or "empty".
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import UUID

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec, Value
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import shared_pb2 as shared
from fastapi_esdb.wire.revisions import MAX_REVISION, StreamState

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fastapi_esdb.wire.revisions import Expected


Fields = dict[str, Any]

EMPTY: Fields = {}
"""An empty message: that it is there is what it says."""

MAX_UINT64 = 2**64 - 1
"""Stands for the end in requests, and for an unknown position in events of old servers."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NIL = UUID(int=0)
MORE = 0x80
"""The bit in a byte of a number that says that another byte follows."""
RECENT = 1024
"""How many recent numbers are kept with their bytes: the same lengths come again and again."""
HALF = 2**64


class OpenEnum(enum.Enum):
    """Numbers of the protocol, of which newer servers may have more: these are `UNKNOWN`, which each such class has."""

    @classmethod
    def _missing_(cls, _number: object) -> Self:
        return cls["UNKNOWN"]


@lru_cache(RECENT)
def varint(value: int) -> bytes:
    """Return a number that is not negative as protobuf writes it: seven bits in a byte, the lowest bits first."""
    if value < MORE:
        return bytes((value,))
    return b"%c%b" % (value % MORE | MORE, varint(value // MORE))


def field(tag: bytes, content: bytes) -> bytes:
    """Return a text, bytes or a message as protobuf writes them in a field: behind its tag and their length.

    For what every append pays for, since messages cost more than the bytes that they become.
    """
    return b"%b%b%b" % (tag, varint(len(content)), content)


def encode_uuid(value: UUID, structured: bool = False) -> Fields:
    """Return the fields of a UUID: its text, or two signed 64-bit halves."""
    if not structured:
        return {"string": str(value)}
    most, least = _signed(value.int >> 64), _signed(value.int % HALF)
    return {"structured": {"most_significant_bits": most, "least_significant_bits": least}}


def write_uuid(message: shared.UUID, value: UUID, structured: bool = False) -> None:
    """Write a UUID into a message, in either form."""
    if structured:
        message.structured.most_significant_bits = _signed(value.int >> 64)
        message.structured.least_significant_bits = _signed(value.int % HALF)
    else:
        message.string = str(value)


def decode_uuid(message: shared.UUID) -> UUID:
    """Return a UUID from either form. Raises InvalidArgument if the message has neither."""
    if text := message.string:
        return parse_uuid(text)
    if message.WhichOneof("value") != "structured":
        raise InvalidArgument("an id is missing: every id must be a UUID")
    halves = message.structured
    return UUID(int=halves.most_significant_bits % HALF << 64 | halves.least_significant_bits % HALF)


def parse_uuid(text: str) -> UUID:
    """Return a UUID from its text. Raises InvalidArgument if it is not one."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidArgument(f"the id {text!r} is not a UUID") from None


def _signed(half: int) -> int:
    return half - HALF if half > MAX_REVISION else half


def encode_stream(name: str) -> Fields:
    """Return the fields of a StreamIdentifier. Raises InvalidArgument for a name that no stream can have."""
    try:
        return {"stream_name": _not_empty(name).encode()}
    except UnicodeEncodeError:
        raise InvalidArgument(f"the stream name {name!r} is not valid Unicode text") from None


def decode_stream(message: shared.StreamIdentifier) -> str:
    """Return the name in a StreamIdentifier. Bytes that are not UTF-8 become replacement characters, as in servers."""
    return message.stream_name.decode(errors="replace")


def decode_requested_stream(message: shared.StreamIdentifier) -> str:
    """Return the stream that a request names. Raises InvalidArgument if it names none."""
    return _not_empty(decode_stream(message))


def _not_empty(name: str) -> str:
    if not name:
        raise InvalidArgument("the stream name is empty: it must have at least one character")
    return name


def encode_ticks(time: datetime) -> int:
    """Return a time as the server counts it, in units of 100 ns since 1970."""
    return (time - EPOCH) // MICROSECOND * 10


def decode_ticks(ticks: int) -> datetime:
    """Return the time, aware, in UTC, cut to microseconds. Raises InvalidArgument if it is not in the years 1 to 9999.

    The division is exact for the next two centuries (the quotient has less than 53 bits), and faster than adding a
    timedelta.
    """
    try:
        return datetime.fromtimestamp(ticks // 10 / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidArgument(f"the time {ticks} is beyond the years 1 to 9999") from None


def encode_timestamp(time: datetime) -> Fields:
    """Return a time as the fields of a google.protobuf.Timestamp."""
    seconds, microseconds = divmod((time - EPOCH) // MICROSECOND, 1_000_000)
    return {"seconds": seconds, "nanos": microseconds * 1000}


class TimestampMessage(Protocol):
    """A google.protobuf.Timestamp of either API."""

    @property
    def seconds(self) -> int: ...

    @property
    def nanos(self) -> int: ...


def decode_timestamp(message: TimestampMessage) -> datetime:
    """Return the time, aware, in UTC, cut to microseconds. Raises InvalidArgument outside of the years 1 to 9999."""
    try:
        return EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)
    except OverflowError:
        raise InvalidArgument(f"the time {message.seconds} is beyond the years 1 to 9999") from None


def valid_or_none(read: Callable[[], Value]) -> Value | None:
    """Return what `read` returns, or `None` if the server has sent a value that is not valid."""
    try:
        return read()
    except InvalidArgument:
        return None


class PositionMessage(Protocol):
    """Any message of the protocol that holds a position."""

    @property
    def commit_position(self) -> int: ...

    @property
    def prepare_position(self) -> int: ...


def encode_position(position: Position) -> Fields:
    """Return a position as the fields of any message that holds one."""
    return {"commit_position": position.commit, "prepare_position": position.prepare}


def decode_position(message: PositionMessage) -> Position | None:
    """Return the position in a message; `None` if the server did not know it (before version 22.6)."""
    commit = message.commit_position
    return None if commit == MAX_UINT64 else Position(commit, message.prepare_position)


def check_revision(revision: int) -> int:
    """Return the revision. Raises InvalidArgument if a server could not store it, which it does as a signed number."""
    if not 0 <= revision <= MAX_REVISION:
        raise InvalidArgument(f"the revision {revision} is out of bounds: it must be between 0 and {MAX_REVISION}")
    return revision


def encode_expected(expected: Expected, revision: str = "revision") -> Fields:
    """Return the field for an expected revision; `revision` is the name of the field for a number."""
    if isinstance(expected, StreamState):
        return {expected.name.lower(): EMPTY}
    return {revision: check_revision(expected)}


def decode_expected(options: Message, oneof: str, revision: str = "revision") -> Expected:
    """Return the expected revision in the oneof of that name. Raises InvalidArgument if the request lacks it."""
    case = options.WhichOneof(oneof)
    if case is None:
        raise InvalidArgument(f"{oneof} is missing: give a revision, no_stream, any or stream_exists")
    return check_revision(getattr(options, case)) if case == revision else StreamState[case.upper()]


NOTHING: Codec[None] = Codec(shared.Empty, encode=lambda _: shared.Empty(), decode=lambda _: None)
"""For requests and answers without content."""
