"""Failures that the protocol describes by a typed detail, which batches and the v2 calls do.

A `DetailRow` is one kind of failure: the error it is here, and its code, its name and its detail in the protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi_esdb.wire.codec.scalars import Fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from fastapi_esdb.wire.errors import EsdbError
    from fastapi_esdb.wire.status.codes import StatusCode

TYPE_PREFIX = "type.googleapis.com/"


@dataclass(frozen=True, slots=True)
class DetailRow:
    """`write` gives the detail's fields; `read` takes the detail and the text or stream that came beside it."""

    error: type[EsdbError]
    code: StatusCode
    name: str
    detail: type[Message]
    write: Callable[[Any], Fields]
    read: Callable[[Any, str], EsdbError]


def plain_row(error: type[EsdbError], code: StatusCode, name: str, detail: type[Message], **fields: str) -> DetailRow:
    """A row whose detail holds the error's attributes, each in a field: `stream="stream"`."""

    def write(failure: EsdbError) -> Fields:
        return {field: getattr(failure, attribute) for attribute, field in fields.items()}

    def read(message: Message, _beside: str) -> EsdbError:
        return error(**{attribute: getattr(message, field) for attribute, field in fields.items()})

    return DetailRow(error, code, name, detail, write, read)


def pack(message: Message) -> Fields:
    """The fields of a google.protobuf.Any with that message in it."""
    return {"type_url": TYPE_PREFIX + message.DESCRIPTOR.full_name, "value": message.SerializeToString()}


def type_name(type_url: str) -> str:
    """The full name of the message in an Any: what follows the last slash of its URL."""
    return type_url.rpartition("/")[2]
