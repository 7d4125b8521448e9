"""Copies values into messages and back, field by field, by a table of names.

Such a table maps the name of a field in the value to its name in the message.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec, Value


def same_names(value_class: type[Any]) -> dict[str, str]:
    """Return the table for a value whose fields have the same names in the message."""
    return {field.name: field.name for field in dataclasses.fields(value_class)}


def to_fields(value: object, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the keyword arguments to make the message with."""
    return {theirs: getattr(value, ours) for ours, theirs in names.items()}


def from_fields(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the keyword arguments to make the value with; repeated fields become tuples."""
    return {ours: _plain(getattr(message, theirs)) for ours, theirs in names.items()}


def options_of(message: Any) -> Any:
    """Return the options of a request. Raises InvalidArgument if it has none, since servers fail then."""
    if not message.HasField("options"):
        raise InvalidArgument(f"{message.DESCRIPTOR.full_name} came without options")
    return message.options


def options_codec(message: type[Message], value_class: type[Value]) -> Codec[Value]:
    """Return the codec of a request whose options are the fields of a value, under the same names.

    Raises ValueError if the options lack one of the fields.
    """
    names = same_names(value_class)
    _check_names(message, value_class, names)

    def encode(value: Value) -> Message:
        return message(options=to_fields(value, names))

    def decode(received: Message) -> Value:
        return value_class(**from_fields(options_of(received), names))

    return Codec(message, encode, decode)


def _check_names(message: Any, value_class: type[Any], names: Mapping[str, str]) -> None:
    theirs = message.DESCRIPTOR.fields_by_name["options"].message_type.fields_by_name
    if missing := sorted(names.keys() - theirs.keys()):
        lacking = f"{message.DESCRIPTOR.full_name} lacks: {', '.join(missing)}"
        raise ValueError(f"{value_class.__name__} has fields that {lacking}")


def nothing(message: type[Message]) -> Codec[None]:
    """Return the codec of a message without content."""
    return Codec(message, lambda _: message(), lambda _: None)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else value
