from __future__ import annotations

from typing import Any

import pytest

from fastapi_esdb.wire.admin.indexes import (
    CREATE_INDEX,
    DELETE_INDEX,
    GET_INDEX,
    LIST_INDEXES,
    START_INDEX,
    STOP_INDEX,
    CreateIndex,
    Index,
    IndexField,
    IndexFieldType,
    IndexRequest,
    IndexState,
    IndexToChange,
)
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.proto.v2 import indexes_pb2 as pb
from tests.wire.comparing import Golden, check

FIELD = IndexField("c", "r => 1", IndexFieldType.INT_64)

GOLDEN: list[Golden] = [
    (CREATE_INDEX.request, CreateIndex("i"), b"\n\x01i\x12\x00(\x01"),
    (
        CREATE_INDEX.request,
        CreateIndex("i", "f", (FIELD,), start=False),
        b'\n\x01i\x12\x01f"\r\n\x01c\x12\x06r => 1 \x05(\x00',
    ),
    *((method.request, IndexToChange("i"), b"\n\x01i") for method in (START_INDEX, STOP_INDEX, DELETE_INDEX)),
    (GET_INDEX.request, IndexRequest("i"), b"\n\x01i"),
    (LIST_INDEXES.request, IndexRequest(), b""),
    (
        GET_INDEX.response,
        Index("i", "", (FIELD,), IndexState.STOPPED),
        b"\n\x16\n\x01i\x12\x00\x1a\r\n\x01c\x12\x06r => 1 \x05 \x02",
    ),
    (LIST_INDEXES.response, (), b""),
    (LIST_INDEXES.response, (Index("i", "f", (), IndexState.STARTED),), b"\n\x08\n\x01i\x12\x01f \x01"),
    *((method.response, None, b"") for method in (CREATE_INDEX, START_INDEX, STOP_INDEX, DELETE_INDEX)),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each request and each answer is these bytes, and these bytes are it."""
    check(codec, value, data)


def test_an_index_starts_unless_it_is_not_to() -> None:
    """A request that does not say so is one for an index that runs."""
    assert CREATE_INDEX.request.decode(pb.CreateIndexRequest(name="i")) == CreateIndex("i", start=True)


def test_what_only_newer_servers_know() -> None:
    """A state or a type of later servers is read as unknown."""
    index = pb.Index(name="i", fields=[pb.IndexField(name="c", type=9)], state=9)  # type: ignore[arg-type] # of later
    told = GET_INDEX.response.decode(pb.GetIndexResponse(index=index))
    assert (told.state, told.fields[0].type) == (IndexState.UNKNOWN, IndexFieldType.UNKNOWN)


@pytest.mark.parametrize("name", ["", "Upper", "co:lon", "spa ce", "ä"])
def test_names_that_cannot_be(name: str) -> None:
    """They are refused wherever an index is named."""
    for method in (CREATE_INDEX, START_INDEX, STOP_INDEX, DELETE_INDEX, GET_INDEX):
        with pytest.raises(InvalidArgument, match="lowercase"):
            method.request.decode(method.request.message(name=name))


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        ([{"name": "a", "type": 1}, {"name": "b", "type": 1}], "at most one"),
        ([{"name": "a"}], "type must be specified"),
        ([{"name": "", "type": 1}], "at least 1 characters"),
    ],
)
def test_fields_that_cannot_be(fields: list[Any], mistake: str) -> None:
    """One field at most, with a name and a type."""
    with pytest.raises(InvalidArgument, match=mistake):
        CREATE_INDEX.request.decode(pb.CreateIndexRequest(name="i", fields=fields))
