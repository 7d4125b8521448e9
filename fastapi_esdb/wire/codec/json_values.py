"""JSON as plain Python values and as google.protobuf.Value, which holds the states of projections and v2 properties.

The message holds every number as a double. A whole number is read as an `int` as long as doubles are exact, which is up
to 2^53 and down to -2^53; a larger one stays a `float`, because its last digits may differ from those that were sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastapi_esdb.wire.errors import InvalidArgument

if TYPE_CHECKING:
    from fastapi_esdb.wire.proto.v1.struct_pb2 import Value as ValueV1
    from fastapi_esdb.wire.proto.v2.struct_pb2 import Value as ValueV2

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""A JSON value."""

EXACT = 2**53
"""Whole numbers up to this one, and down to its negative, fit into a double without loss."""

ROOM = 96
"""Levels of nested messages left for a value: protobuf reads 100 levels, and a record's values are in the fourth."""

OBJECT = 3
"""Levels of messages between an object and its values."""

ARRAY = 2
"""Levels of messages between an array and its items."""


def read_json(message: ValueV1 | ValueV2) -> Json:
    """Return the plain value; `None` also for a message without content."""
    kind = message.WhichOneof("kind")
    if kind == "number_value":
        return _plain_number(message.number_value)
    if kind == "struct_value":
        return {key: read_json(item) for key, item in message.struct_value.fields.items()}
    if kind == "list_value":
        return [read_json(item) for item in message.list_value.values]
    return None if kind in (None, "null_value") else getattr(message, kind)


def write_json(value: object, message: ValueV1 | ValueV2, room: int = ROOM) -> None:
    """Write the value into an empty message.

    Raises InvalidArgument if it is not JSON, does not fit into a double, or needs more than `room` levels of messages.
    """
    if room < 0:
        raise InvalidArgument("JSON as deeply nested as this does not fit: keep to 32 objects, or 48 lists, in a row")
    match value:
        case None:
            message.null_value = 0  # type: ignore[assignment] # each descriptor pool has its own type for this number
        case bool():
            message.bool_value = value
        case int() | float():
            message.number_value = _double(value)
        case str():
            message.string_value = value
        case Mapping():
            _write_object(value, message, room - OBJECT)
        case list() | tuple():
            _write_array(value, message, room - ARRAY)
        case _:
            raise InvalidArgument(f"{value!r} is not JSON: it must be made of str, numbers, bool, None, list and dict")


def _write_object(value: Mapping[object, object], message: ValueV1 | ValueV2, room: int) -> None:
    message.struct_value.SetInParent()  # otherwise an empty object would be no value at all
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidArgument(f"the key {key!r} is not JSON: keys of an object must be str")
        write_json(item, message.struct_value.fields[key], room)


def _write_array(value: list[object] | tuple[object, ...], message: ValueV1 | ValueV2, room: int) -> None:
    message.list_value.SetInParent()
    for item in value:
        write_json(item, message.list_value.values.add(), room)


def _plain_number(number: float) -> int | float:
    return int(number) if number.is_integer() and abs(number) <= EXACT else number


def _double(number: float) -> float:
    if isinstance(number, int):
        if abs(number) > EXACT:
            raise InvalidArgument(f"{number} does not fit: whole numbers go up to 2^53; send it as text")
    elif not math.isfinite(number):
        raise InvalidArgument(f"{number} is not JSON: numbers must be finite")
    return number
