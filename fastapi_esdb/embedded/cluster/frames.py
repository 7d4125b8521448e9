"""Messages as bytes: a head of JSON, and behind it the bytes that JSON can't hold."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args
from uuid import UUID

from fastapi_esdb.embedded.cluster.messages import Message
from fastapi_esdb.embedded.store.transactions import Epoch, Extent, Section
from fastapi_esdb.wire.admin.cluster import NodeState

_SIZES = struct.Struct(">II")
_KINDS = {kind.__name__: kind for kind in get_args(Message)}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS.values()}
_READERS: dict[str, Callable[[Any], Any]] = {
    "rank": tuple,
    "section": lambda value: Section([tuple(row) for row in value[0]], value[1], value[2]),
    "extent": lambda value: Extent(tuple(Epoch(*epoch) for epoch in value[0]), value[1]),
    "instance_id": UUID,
    "state": NodeState,
}
"""Fields that JSON gives back as something else than they were."""


def encode(message: Message) -> bytes:
    """Return a frame: the sizes of its two parts, and both parts."""
    blobs: list[bytes] = []

    def put_aside(value: object) -> object:
        if isinstance(value, bytes):
            blobs.append(value)
            return {"bytes": len(value)}
        return value.value if isinstance(value, NodeState) else str(value)

    kind = type(message)
    values = [getattr(message, name) for name in _FIELDS[kind]]
    head = json.dumps([kind.__name__, *values], default=put_aside).encode()
    body = b"".join(blobs)
    return _SIZES.pack(len(head), len(body)) + head + body


async def read_message(reader: asyncio.StreamReader) -> Message:
    """Read the next message. Raises EOFError if there is none, or half of one."""
    head_size, body_size = _SIZES.unpack(await reader.readexactly(_SIZES.size))
    return _decode(await reader.readexactly(head_size), await reader.readexactly(body_size))


def _decode(head: bytes, body: bytes) -> Message:
    offset = 0

    def put_back(mark: dict[str, int]) -> bytes:
        nonlocal offset
        start, offset = offset, offset + mark["bytes"]
        return body[start:offset]

    name, *values = json.loads(head, object_hook=put_back)
    kind = _KINDS[name]
    read = (_READERS.get(field, _as_it_is) for field in _FIELDS[kind])
    message: Message = kind(*(reader(value) for reader, value in zip(read, values, strict=True)))
    return message


def _as_it_is(value: Any) -> Any:
    return value
