"""Values and the bytes that stand for them, written down, and errors as values that compare."""

from __future__ import annotations

from typing import Any

from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.method import Codec

Golden = tuple[Codec[Any], Any, bytes]


def check(codec: Codec[Any], value: object, data: bytes) -> None:
    """The value becomes these bytes, and these bytes the value. (The order of a map's entries is free in bytes.)"""
    assert codec.encode(value) == codec.message.FromString(data)
    assert codec.decode(codec.message.FromString(data)) == value


def told(error: object) -> tuple[type, dict[str, Any]]:
    """Return the class of an error and all that it carries: exceptions are equal to nothing but themselves."""
    assert isinstance(error, EsdbError)
    return type(error), vars(error)
