"""Values and the bytes that stand for them, written down: what both ways of a codec are held against."""

from __future__ import annotations

from typing import Any

from fastapi_esdb.wire.method import Codec

Golden = tuple[Codec[Any], Any, bytes]


def check(codec: Codec[Any], value: object, data: bytes) -> None:
    """The value becomes these bytes, and these bytes the value. (The order of a map's entries is free in bytes.)"""
    assert codec.encode(value) == codec.message.FromString(data)
    assert codec.decode(codec.message.FromString(data)) == value
