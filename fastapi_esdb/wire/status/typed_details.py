"""Errors that the protocol describes by a typed detail, as answers of batches and v2 calls do.

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
    """`write` returns the fields of the detail. `read` takes the detail, and the text or stream that came with it."""

    error: type[EsdbError]
    code: StatusCode
    name: str
    detail: type[Message]
    write: Callable[[Any], Fields]
    read: Callable[[Any, str], EsdbError]


def plain_row(error: type[EsdbError], code: StatusCode, name: str, detail: type[Message], **fields: str) -> DetailRow:
    """Return a row whose detail has a field for each attribute of the error, named by `attribute="field"`."""

    def write(failure: EsdbError) -> Fields:
        return {field: getattr(failure, attribute) for attribute, field in fields.items()}

    def read(message: Message, _beside: str) -> EsdbError:
        return error(**{attribute: getattr(message, field) for attribute, field in fields.items()})

    return DetailRow(error, code, name, detail, write, read)


def pack(message: Message) -> Fields:
    """Return the fields of a google.protobuf.Any that contains the message."""
    return {"type_url": TYPE_PREFIX + message.DESCRIPTOR.full_name, "value": message.SerializeToString()}


def type_name(type_url: str) -> str:
    """Return the full name of the message in an Any, which follows the last slash of its URL."""
    return type_url.rpartition("/")[2]
