"""Records of grouped appends: by hand they come out as the messages of AppendRecords do."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.streams.values import AppendRequest
from fastapi_esdb.wire.streams_v2.append_batches import encode_part
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS
from fastapi_esdb.wire.streams_v2.values import AppendRecords, Check, Record, SchemaFormat

ID = UUID("8d1c5f8e-5d6f-4d2b-9b5a-0c7d3c1f2a11")
OTHER = UUID(int=7)
METADATA = b'{"$correlationId":"c","tags":["a",null,1.5],"of":{"deep":true}}'


def event(**other: object) -> ProposedEvent:
    return ProposedEvent(ID, **{"type": "OrderPlaced", "data": b"{}", **other})  # type: ignore[arg-type]


def nested(levels: int, before: bytes = b'{"a":', behind: bytes = b"}") -> bytes:
    """Metadata in which a value is that deep."""
    return b'{"x":%b1%b}' % (before * levels, behind * levels)


def decoded(append: AppendRequest, schema_ids: dict[str, UUID] | None = None) -> AppendRecords:
    part = encode_part(append, schema_ids or {})
    assert part is not None
    codec = APPEND_RECORDS.request
    return codec.decode(codec.message.FromString(part))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 250, 16_383, 16_384, 300_000])
def test_data_of_any_size_arrives_as_it_was_given(size: int) -> None:
    data = b"x" * size

    append = decoded(AppendRequest("orders-1", ANY, (event(data=data), event(data=data))))

    assert append.checks == ()
    assert append.records == (Record(ID, "OrderPlaced", data, stream="orders-1"),) * 2


@pytest.mark.parametrize("stream", ["orders-1", "größe-ß", "s" * 200])
@pytest.mark.parametrize("name", ["OrderPlaced", "$metadata", "Größe.v1:x-y", "T" * 150])
def test_names_are_kept(stream: str, name: str) -> None:
    (record,) = decoded(AppendRequest(stream, ANY, (event(type=name),))).records

    assert (record.stream, record.type) == (stream, name)


def test_what_is_not_json_is_bytes() -> None:
    events = (event(content_type=OCTET_STREAM), event())

    formats = [record.format for record in decoded(AppendRequest("orders-1", ANY, events)).records]

    assert formats == [SchemaFormat.BYTES, SchemaFormat.JSON]


def test_records_name_the_version_of_their_schema() -> None:
    """Those of a type that has one."""
    append = AppendRequest("orders-1", ANY, (event(), event(type="OrderPaid"), event()))

    records = decoded(append, {"OrderPlaced": OTHER}).records

    assert [record.schema_id for record in records] == [OTHER, None, OTHER]


def test_metadata_becomes_properties() -> None:
    (record,) = decoded(AppendRequest("orders-1", ANY, (event(metadata=METADATA),))).records

    assert record.properties == {"$correlationId": "c", "tags": ["a", None, 1.5], "of": {"deep": True}}


@pytest.mark.parametrize("text", ["1.5", "1e17", "1716234567.123456", "0.0", "-2.50", "5e-324"])
def test_numbers_are_kept(text: str) -> None:
    (record,) = decoded(AppendRequest("orders-1", ANY, (event(metadata=b'{"n":%b}' % text.encode()),))).records

    assert record.properties == {"n": float(text)}


@pytest.mark.parametrize("metadata", [nested(32), nested(48, b"[", b"]")], ids=["objects", "lists"])
def test_what_is_nested_as_deeply_as_servers_read(metadata: bytes) -> None:
    (record,) = decoded(AppendRequest("orders-1", ANY, (event(metadata=metadata),))).records

    assert record.properties == json.loads(metadata)


@pytest.mark.parametrize("expected", [0, 7, 2**40, NO_STREAM, STREAM_EXISTS])
def test_an_expectation_becomes_a_check(expected: int) -> None:
    assert decoded(AppendRequest("orders-1", expected, (event(),))).checks == (Check("orders-1", expected),)


@pytest.mark.parametrize(
    "append",
    [
        AppendRequest("$$orders-1", ANY, (event(),)),
        AppendRequest("\ud800", ANY, (event(),)),
        AppendRequest("orders-1", 2**63, (event(),)),
        AppendRequest("orders-1", ANY, (event(type="with space"),)),
        AppendRequest("orders-1", ANY, (event(type="\ud800"),)),
        AppendRequest("orders-1", ANY, (event(type="O\u0308l"),)),
        AppendRequest("orders-1", ANY, (event(metadata=b"[1]"),)),
        AppendRequest("orders-1", ANY, (event(metadata=b"\xff"),)),
        AppendRequest("orders-1", ANY, (event(metadata=b'{"$schema.name":"x"}'),)),
        AppendRequest("orders-1", ANY, (event(metadata=nested(33)),)),
        AppendRequest("orders-1", ANY, (event(metadata=nested(49, b"[", b"]")),)),
        AppendRequest("orders-1", ANY, (event(metadata=nested(100_000)),)),
        AppendRequest("orders-1", ANY, (event(metadata='{"n":1}'.encode("utf-16")),)),
        AppendRequest("orders-1", ANY, (event(metadata=b'{"n":12345678901234567.89}'),)),
        AppendRequest("orders-1", ANY, (event(metadata=b'{"n":0.12345678901234567890}'),)),
        AppendRequest("orders-1", ANY, (event(metadata=b'{"n":-0.0}'),)),
        AppendRequest("orders-1", ANY, (event(metadata=b'{"n":1e400}'),)),
        AppendRequest("orders-1", ANY, (event(metadata=b'{"n":1e-99999999999999999999}'),)),
        AppendRequest("orders-1", ANY, (event(), event(type="with space"))),
        AppendRequest("orders-1", ANY, (event(data="text"),)),
    ],
)
def test_what_the_api_cannot_hold_is_none_for_a_group(append: AppendRequest) -> None:
    assert encode_part(append, {}) is None
