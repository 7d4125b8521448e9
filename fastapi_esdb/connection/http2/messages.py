"""Messages of gRPC: a flag, a length and the bytes, cut anywhere by the frames that carry them."""

from __future__ import annotations

from struct import Struct

from fastapi_esdb.connection.http2.codes import ErrorCode, StreamViolation
from fastapi_esdb.wire.status.codes import StatusCode

_PREFIX = Struct(">BI")
PREFIX_SIZE = _PREFIX.size
_parse_prefix = _PREFIX.unpack_from


def framed(message: bytes) -> bytes:
    """Return a message as it is sent."""
    return _PREFIX.pack(0, len(message)) + message


class MessageReader:
    """Takes the data of one stream, and collects its messages."""

    __slots__ = ("_missing", "_most", "_rest", "messages")

    def __init__(self, most: int) -> None:
        self.messages: list[bytes] = []
        """Those that are whole and were not taken yet."""
        self._most = most
        self._rest: bytearray | None = None
        self._missing = 0

    @property
    def is_within(self) -> bool:
        """Return whether the last message is not whole yet."""
        return self._rest is not None

    def feed(self, data: bytes, at: int, end: int) -> None:
        """Take that part of `data`. Raises `StreamViolation` for a message that is compressed or too large."""
        if self._rest is not None:
            at = self._complete(self._rest, data, at, end)
        add, most = self.messages.append, self._most
        missing = PREFIX_SIZE
        last = end - PREFIX_SIZE
        while at <= last:
            flag, length = _parse_prefix(data, at)
            if flag or length > most:
                raise self._refusal(flag, length)
            begin = at + PREFIX_SIZE
            stop = begin + length
            if stop > end:
                missing = PREFIX_SIZE + length
                break
            add(data[begin:stop])
            at = stop
        if at < end:
            self._rest, self._missing = bytearray(data[at:end]), missing

    def _complete(self, rest: bytearray, data: bytes, at: int, end: int) -> int:
        """Take what is missing of the message that has begun; return where the next one begins."""
        while at < end:
            stop = min(end, at + self._missing - len(rest))
            rest += data[at:stop]
            at = stop
            if len(rest) < self._missing:
                break
            flag, length = _parse_prefix(rest)
            if flag or length > self._most:
                raise self._refusal(flag, length)
            self._missing = PREFIX_SIZE + length
            if len(rest) == self._missing:
                del rest[:PREFIX_SIZE]
                self.messages.append(bytes(rest))
                self._rest = None
                break
        return at

    def take(self) -> list[bytes]:
        """Return the messages that are whole, and forget them."""
        taken, self.messages = self.messages, []
        return taken

    def _refusal(self, flag: int, length: int) -> StreamViolation:
        if flag:
            what = "compressed" if flag == 1 else f"flagged {flag}"
            return StreamViolation(ErrorCode.CANCEL, f"a message is {what}, but only plain ones were asked for")
        # the text is the one that gRPC's own clients give
        text = f"CLIENT: Received message larger than max ({length} vs. {self._most})"
        return StreamViolation(ErrorCode.CANCEL, text, StatusCode.RESOURCE_EXHAUSTED)
