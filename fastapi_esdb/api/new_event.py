"""An event to be appended."""

from __future__ import annotations

import uuid
from binascii import hexlify
from os import urandom
from struct import Struct
from typing import TYPE_CHECKING, Any, cast

from fastapi_esdb.api.arguments import text
from fastapi_esdb.api.json_data import json_data
from fastapi_esdb.wire.codec.lazy import setter_of
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent

SHOWN_BYTES = 80
BYTES = (bytes, bytearray, memoryview)
"""Data that are stored as they are."""

ID_SIZE = 16
ID_PARTS = Struct("8s4sx3sc3s12s")
"""The digits of a random UUID that are kept: in place of the skipped one is its version."""
VARIANTS = {b"%x" % digit: b"%x" % (digit & 0b0011 | 0b1000) for digit in range(16)}
"""The digits of which some bits tell what kind of UUID it is (RFC 9562, 4.1), with these bits set."""

_id_slot: Any = ProposedEvent.__dict__["id"]
_set_id, _set_type = setter_of(ProposedEvent, "id"), setter_of(ProposedEvent, "type")
_set_data, _set_metadata = setter_of(ProposedEvent, "data"), setter_of(ProposedEvent, "metadata")
_set_content_type = setter_of(ProposedEvent, "content_type")


def _id_of(event: NewEvent) -> uuid.UUID:
    """Return the id, which is made of its text when somebody asks for the first time."""
    try:
        return cast("uuid.UUID", _id_slot.__get__(event))
    except AttributeError:
        value = uuid.UUID(event.id_text.decode())
    _set_id(event, value)
    return value


def _keep_id(event: NewEvent, value: uuid.UUID) -> None:
    """Set the id of a new event, or of a copy."""
    _set_id(event, value)
    _set_id_text(event, str(value).encode())


class NewEvent(ProposedEvent):
    """An event to be appended, encoded as soon as it is made.

    Its id is made here too, so that whoever appends it a second time sends the same id, and the server can tell.

    Args:
        type: what happened, `"OrderPlaced"`.
        data: what JSON can hold (and what `jsonable_encoder` of FastAPI makes of dates, UUIDs, enums, dataclasses…),
            a pydantic model, or bytes, which are sent as they are.
        metadata: the same, about the circumstances: `$correlationId` and `$causationId` have a meaning to the server.
        id: a UUID, or its text; a random one if left out.
        content_type: `application/json` unless `data` is bytes. Servers know this one and keep nothing of any
            other: it is read back as `application/octet-stream`. Bytes that are JSON should say so.

    Raises:
        InvalidArgument: the type is empty, the id is none, the data is not JSON (NaN is not), or it is a pydantic model
            that would not read back what it writes. The error names the field and not its value.
    """

    __slots__ = ("_is_fresh", "id_text")

    id_text: bytes
    """The text of its id. Of a random one `id` is made when it is asked for: most events are only sent."""

    def __init__(
        self,
        type: str,  # noqa: A002  the field's name for it
        data: Any,
        metadata: Any = None,
        *,
        id: uuid.UUID | str | None = None,  # noqa: A002
        content_type: str | None = None,
    ) -> None:
        is_bytes = isinstance(data, BYTES)
        content_type = content_type or (OCTET_STREAM if is_bytes else JSON)
        try:
            if id is None:
                _set_id_text(self, random_id())
            else:
                _keep_id(self, _event_id(id))
            _set_type(self, text(type, "type"))
            _set_data(self, bytes(data) if is_bytes else json_data(data, "data"))
            _set_metadata(self, b"" if metadata is None else _encoded(metadata, "metadata"))
            _set_content_type(self, content_type if content_type == JSON else _checked(content_type, is_bytes))
        except InvalidArgument as error:
            raise InvalidArgument(f"event {text(type, 'type')!r}: {error.message}") from error.__cause__
        _set_fresh(self, id is None)

    if not TYPE_CHECKING:  # for type checkers it is the field that it is in the base class
        id = property(_id_of, _keep_id)

    def mark_sent(self) -> bool:
        is_fresh = getattr(self, "_is_fresh", False)  # a copy does not know what has become of the original
        if is_fresh:
            _set_fresh(self, False)
        return is_fresh

    def __repr__(self) -> str:
        return f"NewEvent({self.type!r}, {_shown(self.data)}, id={str(self.id)!r})"


_set_id_text, _set_fresh = setter_of(NewEvent, "id_text"), setter_of(NewEvent, "_is_fresh")


def random_id() -> bytes:
    """Return the text of a random UUID, which costs a quarter of an object and its text."""
    first, second, third, variant, fourth, last = ID_PARTS.unpack(hexlify(urandom(ID_SIZE)))
    return b"".join((first, b"-", second, b"-4", third, b"-", VARIANTS[variant], fourth, b"-", last))


def _event_id(value: uuid.UUID | str) -> uuid.UUID:
    """A UUID that is not nil, which servers refuse (protocol: "nil id rejected")."""
    try:
        event_id = uuid.UUID(str(value))
    except ValueError:
        raise InvalidArgument(f"id must be a UUID, not {quoted(value)}") from None
    if not event_id.int:
        raise InvalidArgument("id must not be the nil UUID")
    return event_id


def _checked(content_type: str, is_bytes: bool) -> str:
    """A content type other than JSON, which goes with bytes only."""
    if not is_bytes:
        raise InvalidArgument(f"data of content type {content_type!r} must be bytes")
    return text(content_type, "content_type")


def _encoded(value: Any, name: str) -> bytes:
    return bytes(value) if isinstance(value, BYTES) else json_data(value, name)


def _shown(data: bytes) -> str:
    return repr(data) if len(data) <= SHOWN_BYTES else f"{data[:SHOWN_BYTES]!r}… ({len(data)} bytes)"
