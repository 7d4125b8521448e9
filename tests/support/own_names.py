"""Names of a test's own on a server that it shares with others.

A test says "s", and on the server that is another stream for each test and each run: names are made unique in the
messages that leave, and come back as the test knows them. That goes for streams, groups, projections and users, in
filters, links and queries, too. What belongs to the server, such as `$all` or `admin`, keeps its name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from itertools import product
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from fastapi_esdb.wire.codec.lazy import Lazy
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.events.values import LINK_TYPE, ProposedEvent
from fastapi_esdb.wire.headers import basic
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.status.translation import error_of
from fastapi_esdb.wire.streams.answers import decode_batch
from fastapi_esdb.wire.streams.requests import encode_batch
from fastapi_esdb.wire.streams.values import AppendRequest
from fastapi_esdb.wire.streams_v2.append_batches import encode_part

Value = TypeVar("Value")

BUILT_IN = ("", "admin", "ops")
NAMED = {"stream_name", "group_name", "login_name", "stream", "partition"}
"""The fields of the protocol that hold a name, whatever message they are in."""
NAMED_IN_PROJECTIONS = {"name"}

PARKED = re.compile(r"(\$persistentsubscription-)(.+)::(.+)(-\w+)")
"""A stream that a group keeps: of which stream, and of which group."""
PREFIXED = re.compile(r"((?:\$\$)?(?:\$(?:ce|bc|category|projections)-)?)([^$].*)", re.DOTALL)
"""A stream of the user's, its metadata, or what the server makes of a category or a projection."""
LINK = re.compile(rb"(\d+@)(.+)", re.DOTALL)
IN_QUERY = re.compile(r"""((?:fromStreams?|fromCategory|emit|linkTo)\(\s*\[?\s*["'])([^"'$])""")


class OwnNames:
    """Makes names unique by a prefix that occurs nowhere else, and so can be taken away wherever it turns up."""

    def __init__(self) -> None:
        self.prefix = f"t{uuid4().hex[:12]}x"

    def own(self, name: str) -> str:
        """Return the name that stands for this one on the server."""
        if name in BUILT_IN or self.prefix in name:
            return name
        if parked := PARKED.fullmatch(name):
            begin, stream, group, end = parked.groups()
            return f"{begin}{self.own(stream)}::{self.own(group)}{end}"
        if found := PREFIXED.fullmatch(name):
            return f"{found[1]}{self.prefix}{found[2]}"
        return name

    def own_link(self, event: ProposedEvent) -> ProposedEvent:
        """Return the event, which is a link to another one perhaps, as it leaves."""
        if event.type != LINK_TYPE or self.prefix.encode() in event.data:
            return event
        data = LINK.sub(lambda found: found[1] + self.own(found[2].decode()).encode(), event.data)
        return ProposedEvent(event.id, event.type, data, event.metadata, event.content_type)

    def plain(self, value: Any) -> Any:
        """Return a text, bytes or an error as the test knows it; the same for what is in lists and plain values."""
        if isinstance(value, str):
            return value.replace(self.prefix, "")
        if isinstance(value, bytes):
            return value.replace(self.prefix.encode(), b"")
        if isinstance(value, tuple | list):
            return type(value)(map(self.plain, value))
        if isinstance(value, EsdbError):
            vars(value).update({name: self.plain(item) for name, item in vars(value).items()})
            value.args = self.plain(value.args)
        elif is_dataclass(value) and not isinstance(value, type | Lazy):
            return replace(value, **{field.name: self.plain(getattr(value, field.name)) for field in fields(value)})
        return value

    def leaving(self, message: Message) -> Message:
        """Make the names in a message unique."""
        kind: Any = message.DESCRIPTOR
        in_projections = kind.full_name.startswith("event_store.client.projections.")
        for field, value in list(message.ListFields()):
            if field.message_type is not None:
                for part in _messages(field, value):
                    if field.name == "stream_identifier" and hasattr(part, "prefix"):
                        part.prefix[:] = [self.own(prefix) for prefix in part.prefix]
                    self.leaving(part)
            elif field.name in NAMED or (in_projections and field.name in NAMED_IN_PROJECTIONS):
                setattr(message, field.name, _in_kind(value, self.own))
            elif in_projections and field.name == "query":
                setattr(message, field.name, IN_QUERY.sub(rf"\g<1>{self.prefix}\g<2>", value))
        return message

    def arriving(self, message: Message) -> Message:
        """Take the prefix away wherever it stands in a message."""
        for field, value in list(message.ListFields()):
            if field.message_type is not None and field.message_type.full_name == "google.protobuf.Any":
                continue  # it holds serialized messages, which errors are made of
            if _is_map(field) and not _has_messages(field):
                plain = {self.plain(key): self.plain(item) for key, item in value.items()}
                value.clear()
                value.update(plain)
            elif field.message_type is not None:
                for part in _messages(field, value):
                    self.arriving(part)
            elif field.is_repeated:
                value[:] = [self.plain(item) for item in value]
            elif isinstance(value, str | bytes):
                setattr(message, field.name, self.plain(value))
        return message


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)


def _has_messages(field: FieldDescriptor) -> bool:
    entry: Any = field.message_type
    return entry.fields_by_name["value"].message_type is not None


def _messages(field: FieldDescriptor, value: Any) -> Iterator[Message]:
    if _is_map(field):
        yield from (item for item in value.values() if isinstance(item, Message))
    elif field.is_repeated:
        yield from value
    else:
        yield value


def _in_kind(value: Any, change: Callable[[str], str]) -> Any:
    return change(value.decode()).encode() if isinstance(value, bytes) else change(value)


class _Replacing:
    """Stands in front of the functions that make messages of requests, and values of answers."""

    def __init__(self, names: OwnNames) -> None:
        self._names = names

    def encode_request(self, method: Method[Any, Any], request: Any) -> bytes:
        codec, names = method.request, self._names
        changed = replace(codec, encode=lambda value: names.leaving(codec.encode(value)), write=None)
        return ENCODE_REQUEST(replace(method, request=changed), request)

    def decode_answer(self, method: Method[Any, Any], data: bytes) -> Any:
        codec, names = method.response, self._names
        changed = replace(codec, decode=lambda message: names.plain(codec.decode(names.arriving(message))))
        return DECODE_ANSWER(replace(method, response=changed), data)

    def encode_batch(self, call: int, number: int, append: AppendRequest, seconds: float) -> bytes:
        """Appends that share a call have a way of their own."""
        return encode_batch(call, number, self._renamed(append), seconds)

    def encode_part(self, append: AppendRequest, schema_ids: Mapping[str, UUID]) -> bytes | None:
        """So have appends that go in groups."""
        return encode_part(self._renamed(append), schema_ids)

    def _renamed(self, append: AppendRequest) -> AppendRequest:
        events = tuple(map(self._names.own_link, append.events))
        return replace(append, stream=self._names.own(append.stream), events=events)

    def decode_batch(self, *given: Any) -> Any:
        return self._names.plain(decode_batch(*given))

    def error_of(self, *given: Any, **named: Any) -> EsdbError:
        error: EsdbError = self._names.plain(error_of(*given, **named))
        return error

    def basic(self, user: str, password: str) -> str:
        return basic(self._names.own(user), password)


ENCODE_REQUEST, DECODE_ANSWER = Method.encode_request, Method.decode_answer
FUNCTIONS = {made.__name__: made for made in (encode_batch, encode_part, decode_batch, error_of, basic)}


@contextmanager
def own_names() -> Iterator[None]:
    """Let every client in this process have names of its own meanwhile."""
    patch, replacing = pytest.MonkeyPatch(), _Replacing(OwnNames())

    def encode_request(method: Method[Any, Any], request: Any) -> bytes:
        return replacing.encode_request(method, request)

    def decode_answer(method: Method[Any, Any], data: bytes) -> Any:
        return replacing.decode_answer(method, data)

    def decode_answers(method: Method[Any, Any], messages: Iterable[bytes]) -> list[Any]:
        return [replacing.decode_answer(method, data) for data in messages]

    patch.setattr(Method, "encode_request", encode_request)
    patch.setattr(Method, "decode_answer", decode_answer)
    patch.setattr(Method, "decode_answers", decode_answers)
    ours = [module for name, module in sys.modules.items() if name.startswith("fastapi_esdb.")]
    for module, name in product(ours, FUNCTIONS):
        if getattr(module, name, None) is FUNCTIONS[name]:
            patch.setattr(module, name, getattr(replacing, name))
    try:
        yield
    finally:
        patch.undo()
