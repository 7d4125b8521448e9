"""The IndexesService (v2), which manages the indexes that users define: its values, their converters, and its RPCs.

Its requests are checked as KurrentDB 26.1 checks them, apart from the JavaScript in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fastapi_esdb.wire.codec.fields import nothing
from fastapi_esdb.wire.codec.scalars import Fields, OpenEnum
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import INDEX_NAME
from fastapi_esdb.wire.method import Codec, Service
from fastapi_esdb.wire.proto.v2 import indexes_pb2 as pb

NO_NAME = "The length of 'Name' must be at least 1 characters. You entered 0 characters."
WRONG_NAME = "Name can contain only lowercase alphanumeric characters, underscores and dashes"
WRONG_FILTER = "Filter must be empty or a valid JavaScript function with exactly one argument"
WRONG_SELECTOR = "Field selector must be a valid JavaScript function with exactly one argument"
TOO_MANY_FIELDS = "Currently at most one index field must be provided"
NO_TYPE = "Field type must be specified"
"""The texts of a real server for these mistakes, recorded."""

TO_CHANGE = "members of $ops and $admins may create, start, stop and delete indexes"
TO_LOOK = "only users may see the indexes, nobody without credentials"


class IndexFieldType(OpenEnum):
    """The type of an index's values. The numbers are those of the protocol.

    An event whose value is of another type is left out of the index.
    """

    UNKNOWN = 0
    """One that only newer servers have."""
    STRING = 1
    DOUBLE = 2
    INT_32 = 4
    INT_64 = 5


class IndexState(OpenEnum):
    """The state of an index. The numbers are those of the protocol. One that is stopped can't be read."""

    UNKNOWN = 0
    """One that only newer servers have."""
    STARTED = 1
    STOPPED = 2
    DELETED = 3


@dataclass(frozen=True, slots=True)
class IndexField:
    """A value that each event of an index has, by which it can be read.

    `selector` is a function in JavaScript that returns the value of a record, or `skip` to leave the event out.
    """

    name: str
    selector: str
    type: IndexFieldType = IndexFieldType.STRING


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """An index to create. `filter` is a function in JavaScript, or empty for all events; `start` starts it, too."""

    name: str
    filter: str = ""
    fields: tuple[IndexField, ...] = ()
    start: bool = True
    needs: ClassVar[str] = TO_CHANGE


@dataclass(frozen=True, slots=True)
class IndexToChange:
    """The index to start, stop or delete."""

    name: str
    needs: ClassVar[str] = TO_CHANGE


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """The index to describe; without a name all of them."""

    name: str = ""
    needs: ClassVar[str] = TO_LOOK


@dataclass(frozen=True, slots=True)
class Index:
    """An index that a user has defined."""

    name: str
    filter: str
    fields: tuple[IndexField, ...]
    state: IndexState


def check_name(name: str) -> str:
    """Return the name of an index or of its field. Raises InvalidArgument for one that none can have."""
    if not INDEX_NAME.fullmatch(name):
        raise InvalidArgument(WRONG_NAME if name else f"{NO_NAME}; {WRONG_NAME}")
    return name


def write_fields(fields: Iterable[IndexField]) -> list[Fields]:
    return [{"name": field.name, "selector": field.selector, "type": field.type.value} for field in fields]


def read_fields(fields: Iterable[pb.IndexField]) -> tuple[IndexField, ...]:
    return tuple(IndexField(field.name, field.selector, IndexFieldType(field.type)) for field in fields)


def _encode_create(value: CreateIndex) -> pb.CreateIndexRequest:
    fields = write_fields(value.fields)
    return pb.CreateIndexRequest(name=value.name, filter=value.filter, fields=fields, start=value.start)


def _decode_create(message: pb.CreateIndexRequest) -> CreateIndex:
    fields = read_fields(message.fields)
    check_name(message.name)
    if len(fields) > 1:
        raise InvalidArgument(TOO_MANY_FIELDS)
    for field in fields:
        check_name(field.name)
        if field.type is IndexFieldType.UNKNOWN:
            raise InvalidArgument(NO_TYPE)
    start = message.start or not message.HasField("start")
    return CreateIndex(message.name, message.filter, fields, start)


def _encode_index(value: Index) -> pb.Index:
    fields: Fields = {"fields": write_fields(value.fields), "state": value.state.value}
    return pb.Index(name=value.name, filter=value.filter, **fields)


def _decode_index(message: pb.Index) -> Index:
    return Index(message.name, message.filter, read_fields(message.fields), IndexState(message.state))


def _encode_list(value: tuple[Index, ...]) -> pb.ListIndexesResponse:
    return pb.ListIndexesResponse(indexes=map(_encode_index, value))


def _decode_list(message: pb.ListIndexesResponse) -> tuple[Index, ...]:
    return tuple(map(_decode_index, message.indexes))


def _naming(message: type[pb.StartIndexRequest | pb.StopIndexRequest | pb.DeleteIndexRequest]) -> Codec[IndexToChange]:
    return Codec(
        message, lambda value: message(name=value.name), lambda received: IndexToChange(check_name(received.name))
    )


_SERVICE = Service("kurrentdb.protocol.v2.indexes.IndexesService")
_SINCE = "26.0"

CREATE_INDEX = _SERVICE.method(
    "Create",
    Codec(pb.CreateIndexRequest, _encode_create, _decode_create),
    nothing(pb.CreateIndexResponse),
    since=_SINCE,
)
START_INDEX = _SERVICE.method("Start", _naming(pb.StartIndexRequest), nothing(pb.StartIndexResponse), since=_SINCE)
STOP_INDEX = _SERVICE.method("Stop", _naming(pb.StopIndexRequest), nothing(pb.StopIndexResponse), since=_SINCE)
DELETE_INDEX = _SERVICE.method("Delete", _naming(pb.DeleteIndexRequest), nothing(pb.DeleteIndexResponse), since=_SINCE)
LIST_INDEXES = _SERVICE.method(
    "List",
    Codec(pb.ListIndexesRequest, lambda _: pb.ListIndexesRequest(), lambda _: IndexRequest()),
    Codec(pb.ListIndexesResponse, _encode_list, _decode_list),
    writes=False,
    since=_SINCE,
)
GET_INDEX = _SERVICE.method(
    "Get",
    Codec(
        pb.GetIndexRequest,
        lambda value: pb.GetIndexRequest(name=value.name),
        lambda received: IndexRequest(check_name(received.name)),
    ),
    Codec(
        pb.GetIndexResponse,
        lambda value: pb.GetIndexResponse(index=_encode_index(value)),
        lambda received: _decode_index(received.index),
    ),
    writes=False,
    since=_SINCE,
)
