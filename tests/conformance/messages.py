"""Protobuf messages as the JSON of the scenarios, and back.

It is proto3 JSON with the .proto files' own field names, except for bytes, which read as `@utf8:text`, `@b64:…` or
`@fill:1000` (that many bytes).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from fastapi_esdb.wire.proto import v1, v2

Json = dict[str, Any]
POOLS: tuple[DescriptorPool, ...] = (v1.POOL, v2.POOL)


@dataclass(frozen=True, slots=True)
class Rpc:
    """A method of the protocol with its message classes; `path` is `full.service.Name/Method`."""

    path: str
    request: type[Message]
    response: type[Message]
    client_streams: bool


def find_rpc(path: str) -> Rpc:
    """The RPC of that path; raises KeyError when no .proto file has it."""
    service, name = path.split("/")
    method: MethodDescriptor = _find("FindServiceByName", service).methods_by_name[name]
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    return Rpc(path, request, response, bool(method.client_streaming))


def rich_details(trailer: bytes) -> list[Json]:
    """The details in a `grpc-status-details-bin` trailer."""
    status: Any = GetMessageClass(v2.POOL.FindMessageTypeByName("google.rpc.Status")).FromString(trailer)
    return [_detail(item) for item in status.details]


def _detail(item: Any) -> Json:
    cls = GetMessageClass(_find("FindMessageTypeByName", item.type_url.rsplit("/", 1)[1]))
    return {"@type": item.type_url, **to_json(cls.FromString(item.value))}


def _find(verb: str, name: str) -> Any:
    for pool in POOLS:
        try:
            return getattr(pool, verb)(name)
        except KeyError:
            continue
    raise KeyError(name)


def from_json(cls: type[Message], value: Json) -> Message:
    """The message that a scenario spells out."""
    return json_format.ParseDict(_walk(value, cls.DESCRIPTOR, _base64_of), cls(), descriptor_pool=_pool(cls))


def to_json(message: Message) -> Json:
    """A message as the scenarios would spell it."""
    pool = _pool(type(message))
    value = json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=pool)
    walked: Json = _walk(value, message.DESCRIPTOR, _readable)
    return walked


def _pool(cls: type[Message]) -> DescriptorPool:
    descriptor: Any = cls.DESCRIPTOR  # the stubs of protobuf give a union of its two implementations
    pool: DescriptorPool = descriptor.file.pool
    return pool


def _base64_of(value: str) -> str:
    if value.startswith("@b64:"):
        return value.removeprefix("@b64:")
    if value.startswith("@fill:"):
        return base64.b64encode(b"x" * int(value.removeprefix("@fill:"))).decode()
    return base64.b64encode(value.removeprefix("@utf8:").encode()).decode()


def _readable(value: str) -> str:
    try:
        return "@utf8:" + base64.b64decode(value).decode()
    except UnicodeDecodeError:
        return "@b64:" + value


def _walk(value: Any, descriptor: Any, of_bytes: Callable[[str], str]) -> Any:
    """The JSON of a message with each bytes field replaced."""
    if not isinstance(value, dict):
        return value
    fields = descriptor.fields_by_name
    return {key: _field(item, fields[key], of_bytes) if key in fields else item for key, item in value.items()}


def _field(value: Any, field: FieldDescriptor, of_bytes: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_field(item, field, of_bytes) for item in value]
    if field.message_type is not None:
        return _submessage(value, field.message_type, of_bytes)
    return of_bytes(value) if field.type == field.TYPE_BYTES and isinstance(value, str) else value


def _submessage(value: Any, descriptor: Descriptor, of_bytes: Callable[[str], str]) -> Any:
    if descriptor.full_name == "google.protobuf.Any":
        inner = _find("FindMessageTypeByName", value["@type"].rsplit("/", 1)[1])
        return _walk(value, inner, of_bytes)
    if descriptor.GetOptions().map_entry or descriptor.full_name.startswith("google.protobuf."):
        return value
    return _walk(value, descriptor, of_bytes)
