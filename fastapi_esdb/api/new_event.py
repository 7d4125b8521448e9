"""An event to be appended."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi_esdb.api.arguments import text
from fastapi_esdb.api.json_data import json_data
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent

SHOWN_BYTES = 80
BYTES = (bytes, bytearray, memoryview)
"""Data that are stored as they are."""


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

    __slots__ = ("_is_fresh",)

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
            super().__init__(
                uuid.uuid4() if id is None else _event_id(id),
                text(type, "type"),
                bytes(data) if is_bytes else json_data(data, "data"),
                b"" if metadata is None else _encoded(metadata, "metadata"),
                content_type if content_type == JSON else _checked(content_type, is_bytes),
            )
        except InvalidArgument as error:
            raise InvalidArgument(f"event {text(type, 'type')!r}: {error.message}") from error.__cause__
        object.__setattr__(self, "_is_fresh", id is None)

    def mark_sent(self) -> bool:
        is_fresh = getattr(self, "_is_fresh", False)  # a copy does not know what has become of the original
        if is_fresh:
            object.__setattr__(self, "_is_fresh", False)
        return is_fresh

    def __repr__(self) -> str:
        return f"NewEvent({self.type!r}, {_shown(self.data)}, id={str(self.id)!r})"


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
