"""Header blocks: HPACK by the `hpack` package, each distinct block once (RFC 7541; RFC 9113, 8.2 and 8.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hpack import Decoder, Encoder, HPACKError, OversizedHeaderListError

from fastapi_esdb.connection.http2.codes import ErrorCode, StreamViolation, Violation
from fastapi_esdb.connection.http2.limits import Limits
from fastapi_esdb.connection.http2.statuses import WITHOUT_STATUS, Ending, Fields, ending_of, foreign_ending, value_of

Pairs = tuple[tuple[str, str], ...]

_FIELD_OVERHEAD = 32
"""Bytes that a header list counts for each field beside its name and value."""

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
"""What a field may be called: the characters of a token, no capital letters among them."""
_VALUE = re.compile(rb"[^\x00\r\n]*")
"""What a field may hold. RFC 9113 has no blanks around it, but streams have names with them, which errors tell."""
_OF_ONE_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"te")
)
_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_INTERIM = range(100, 200)
_NO_TABLE = b"\x20"
"""A dynamic table size update to 0: what is sent never uses the table."""
_TIMEOUT = b"\x10\x0cgrpc-timeout"
"""The beginning of a field that is never indexed (RFC 7541, 6.2.3); its value differs from call to call."""
_TIMEOUT_SIZE = len("grpc-timeout") + _FIELD_OVERHEAD


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The meaning of a server's header block, one object for all equal ones."""

    fields: Fields
    http_status: int | None = None
    """That of an answer; trailers have none."""
    content_length: int | None = None
    problem: str = ""
    """What makes it malformed, if anything does."""
    is_interim: bool = False
    """Whether another answer follows."""
    ending: Ending = WITHOUT_STATUS
    """What its call ends with if nothing follows."""
    refusal: Ending | None = None
    """What its call ends with whatever follows, for an answer that is not gRPC's."""


class BlockDecoder:
    """Decodes the blocks of one connection, and remembers them: without a dynamic table, equal blocks mean the same."""

    def __init__(self, limits: Limits) -> None:
        self._decoder = Decoder(limits.header_list)
        self._limits = limits
        self._known: dict[bytes, Block] = {}
        self._has_table = bool(self._decoder.header_table_size)

    def announced(self) -> None:
        """Note that the server knows our settings: from now on its table is not larger than they say.

        It has to say so in its next block (RFC 9113, 4.3.1), but gRPC's own servers only keep to it.
        """
        size = self._limits.header_table
        self._decoder.max_allowed_table_size = size
        self._decoder.header_table_size = min(self._decoder.header_table_size, size)
        self._has_table = bool(self._decoder.header_table_size)

    def decode(self, block: bytes) -> Block:
        """Return what a block says. Raises `Violation` for one that can't be decoded."""
        if (known := self._known.get(block)) is not None and not self._has_table:
            return known
        try:
            decoded = self._decoder.decode(block, raw=True)
        except OversizedHeaderListError:
            raise Violation(
                ErrorCode.ENHANCE_YOUR_CALM, f"a header list of more than {self._limits.header_list} bytes"
            ) from None
        except (HPACKError, ValueError, IndexError) as error:
            raise Violation(ErrorCode.COMPRESSION_ERROR, f"a header block that can't be decoded ({error})") from None
        found = self._meaning(tuple((bytes(name), bytes(value)) for name, value in decoded))
        self._has_table = bool(self._decoder.header_table_size)
        if not self._has_table:
            self._remember(block, found)
        return found

    def _remember(self, block: bytes, meaning: Block) -> None:
        if len(self._known) >= self._limits.cached_blocks:
            self._known.clear()
        self._known[block] = meaning

    def _meaning(self, fields: Fields) -> Block:
        problem = _problem(fields, self._limits.header_fields)
        if problem:
            return Block(fields, problem=problem)
        status, length = value_of(fields, b":status"), value_of(fields, b"content-length")
        if length is not None and not _LENGTH.fullmatch(length):
            return Block(fields, problem="a content-length that is no number")
        plain = tuple(field for field in fields if field[0] != b":status")
        size = None if length is None else int(length)
        if status is None:
            return Block(plain, content_length=size, ending=ending_of(plain))
        number = int(status)
        ending, refusal = ending_of(plain, number), foreign_ending(plain, number)
        return Block(plain, number, size, is_interim=number in _INTERIM, ending=ending, refusal=refusal)


def _problem(fields: Fields, most: int) -> str:
    """Return what is wrong with the fields of an answer or of trailers; nothing if all is well."""
    if len(fields) > most:
        return f"more than {most} header fields"
    pseudo = [name for name, _ in fields if name.startswith(b":")]
    if pseudo not in ([], [b":status"]) or (pseudo and fields[0][0] != b":status"):
        return "pseudo-header fields other than one :status before all others"
    if pseudo and not _STATUS.fullmatch(fields[0][1]):
        return "a :status that is no number of three digits"
    return next((problem for field in fields[len(pseudo) :] if (problem := _problem_of(*field))), "")


def _problem_of(name: bytes, value: bytes) -> str:
    if not _NAME.fullmatch(name):
        return f"a header field with the name {name[:50]!r}"
    if name in _OF_ONE_CONNECTION:
        return f"the header field {name.decode()}, which HTTP/2 does not have"
    if not _VALUE.fullmatch(value):
        return f"a header field {name[:50].decode()} with a forbidden character"
    return ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The part that all requests on a connection have in common."""

    scheme: str
    authority: str
    user_agent: str = "fastapi-esdb"


class RequestEncoder:
    """Encodes the blocks of one connection. They leave the server's table alone, so equal requests are equal bytes."""

    def __init__(self, origin: Origin, most_cached: int) -> None:
        self._origin = origin
        self._encoder = Encoder()
        self._most = most_cached
        self._known: dict[tuple[str, Pairs], tuple[bytes, int]] = {}
        self._is_announced = False

    def encode(self, path: str, pairs: Pairs, timeout: float | None) -> tuple[bytes, int]:
        """Return a block, and the size of its header list as servers count it."""
        key = path, pairs
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._most:
                self._known.clear()
            known = self._known[key] = self._encoded(self._fields(path, pairs))
        block, size = known
        if timeout is not None:
            text = timeout_text(timeout).encode()
            block += _TIMEOUT + len(text).to_bytes() + text
            size += _TIMEOUT_SIZE + len(text)
        if not self._is_announced:
            self._is_announced = True
            block = _NO_TABLE + block
        return block, size

    def announce(self) -> None:
        """Say in the next block that the table has no size, as a server that makes its own smaller may ask for."""
        self._is_announced = False

    def _fields(self, path: str, pairs: Pairs) -> list[tuple[str, str]]:
        return [
            (":method", "POST"),
            (":scheme", self._origin.scheme),
            (":path", path),
            (":authority", self._origin.authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", self._origin.user_agent),
            ("grpc-accept-encoding", "identity"),
            *((name, value) for name, value in pairs),
        ]

    def _encoded(self, fields: list[tuple[str, str]]) -> tuple[bytes, int]:
        """Never indexed, which keeps secrets out of the tables on the way, and out of hpack's log.

        That is why its `encode` is not used: it logs the whole block.
        """
        block = b"".join([self._encoder.add((name.encode(), value.encode()), sensitive=True) for name, value in fields])
        return block, sum(len(name) + len(value) + _FIELD_OVERHEAD for name, value in fields)


_LARGEST_TIMEOUT = 99_999_999
"""`grpc-timeout` has eight digits."""
_UNITS = ((1_000_000, "u"), (1_000, "m"), (1, "S"))


def timeout_text(seconds: float) -> str:
    """Return a `grpc-timeout`, as exact as it can be, and not 0 where time is left."""
    for per_second, unit in _UNITS:
        count = round(seconds * per_second)
        if count <= _LARGEST_TIMEOUT:
            return f"{count or 1}{unit}"
    return f"{_LARGEST_TIMEOUT}{_UNITS[-1][1]}"


def malformed(block: Block) -> StreamViolation:
    """Return what a malformed block ends its stream with."""
    return StreamViolation(ErrorCode.PROTOCOL_ERROR, f"a malformed answer: {block.problem}")
