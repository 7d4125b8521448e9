"""Requests to the registry of schemas and its answers, as bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fastapi_esdb.wire.errors import InvalidArgument, NoAnswer
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.proto.v2 import registry_pb2 as pb
from fastapi_esdb.wire.schemas.methods import (
    CHECK_COMPATIBILITY,
    CREATE_SCHEMA,
    DELETE_SCHEMA,
    DELETE_VERSIONS,
    GET_SCHEMA,
    GET_VERSION,
    GET_VERSION_BY_ID,
    LIST_REGISTERED,
    LIST_SCHEMAS,
    LIST_VERSIONS,
    LOOKUP_SCHEMA_NAME,
    REGISTER_VERSION,
    UPDATE_SCHEMA,
)
from fastapi_esdb.wire.schemas.values import (
    CheckCompatibility,
    Compatibility,
    CompatibilityError,
    CompatibilityErrorKind,
    CompatibilityResult,
    CreateSchema,
    DeleteVersions,
    GetVersion,
    ListRegistered,
    ListSchemas,
    ListVersions,
    RegisteredSchema,
    RegisterVersion,
    Schema,
    SchemaName,
    SchemaRegistered,
    SchemaVersion,
    UpdateSchema,
    VersionId,
)
from fastapi_esdb.wire.streams_v2.values import SchemaFormat
from tests.wire.comparing import Golden, check

TAGS = {"a": "b"}
CREATED, UPDATED = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 2, 5000, tzinfo=UTC)
SCHEMA = Schema("s", SchemaFormat.AVRO, Compatibility.FULL, "d", TAGS, 3, CREATED, UPDATED)
SCHEMA_BYTES = (
    b"\n#"
    b"\n\x01s"
    b'\x12\x0f\x08\x03\x10\x03\x1a\x01d"\x06\n\x01a\x12\x01b'
    b" \x03"
    b"*\x02\x08\x01"
    b"2\x07\x08\x02\x10\xc0\x96\xb1\x02"
)
VERSION = SchemaVersion("i", 2, b"def", SchemaFormat.PROTOBUF, CREATED)
VERSION_BYTES = b"\n\x10\n\x01i\x10\x02\x1a\x03def \x02*\x02\x08\x01"
LATEST = RegisteredSchema("s", "i", 2, b"def", SchemaFormat.JSON, Compatibility.NONE, TAGS, CREATED)
CHANGED = CompatibilityError(CompatibilityErrorKind.INCOMPATIBLE_TYPE_CHANGE, "d", "#/a", "String", "Integer")

GOLDEN: list[Golden] = [
    (CREATE_SCHEMA.request, CreateSchema("s", b"def"), b"\n\x01s\x12\x06\x08\x01\x10\x01\x1a\x00\x1a\x03def"),
    (
        CREATE_SCHEMA.request,
        CreateSchema("s", b"def", SchemaFormat.BYTES, Compatibility.NONE, "d", TAGS),
        b'\n\x01s\x12\x0f\x08\x04\x10\x07\x1a\x01d"\x06\n\x01a\x12\x01b\x1a\x03def',
    ),
    (
        UPDATE_SCHEMA.request,
        UpdateSchema("s", ("details.tags", "details.description"), description="d", tags=TAGS),
        b'\n\x01s\x12\x0b\x1a\x01d"\x06\n\x01a\x12\x01b\x1a#\n\x0cdetails.tags\n\x13details.description',
    ),
    (
        UPDATE_SCHEMA.request,
        UpdateSchema("s", ("details.compatibility",), Compatibility.FULL_ALL),
        b"\n\x01s\x12\x04\x10\x06\x1a\x00\x1a\x17\n\x15details.compatibility",
    ),
    *((method.request, SchemaName("s"), b"\n\x01s") for method in (DELETE_SCHEMA, GET_SCHEMA)),
    *((method.request, VersionId("i"), b"\n\x01i") for method in (LOOKUP_SCHEMA_NAME, GET_VERSION_BY_ID)),
    *((method.response, SchemaRegistered("i", 2), b"\n\x01i\x10\x02") for method in (CREATE_SCHEMA, REGISTER_VERSION)),
    *((method.response, None, b"") for method in (UPDATE_SCHEMA, DELETE_SCHEMA)),
    (GET_SCHEMA.response, SCHEMA, SCHEMA_BYTES),
    (LIST_SCHEMAS.request, ListSchemas("p", TAGS), b"\n\x01p\x12\x06\n\x01a\x12\x01b"),
    (LIST_SCHEMAS.response, (SCHEMA, SCHEMA), SCHEMA_BYTES * 2),
    (LOOKUP_SCHEMA_NAME.response, "s", b"\n\x01s"),
    (REGISTER_VERSION.request, RegisterVersion("s", b"def"), b"\n\x01s\x12\x03def"),
    (DELETE_VERSIONS.request, DeleteVersions("s", (1, 300)), b"\n\x01s\x12\x03\x01\xac\x02"),
    (DELETE_VERSIONS.response, (1, 300), b"\n\x02\x08\x01\n\x03\x08\xac\x02"),
    (GET_VERSION.request, GetVersion("s"), b"\n\x01s"),
    (GET_VERSION.request, GetVersion("s", 2), b"\n\x01s\x10\x02"),
    *((method.response, VERSION, VERSION_BYTES) for method in (GET_VERSION, GET_VERSION_BY_ID)),
    (LIST_VERSIONS.request, ListVersions("s", with_definitions=True), b"\n\x01s\x10\x01"),
    (LIST_VERSIONS.response, (VERSION, VERSION), VERSION_BYTES * 2),
    (
        LIST_REGISTERED.request,
        ListRegistered("i", "p", TAGS, with_definitions=True),
        b"\n\x01i\x12\x01p\x1a\x06\n\x01a\x12\x01b \x01",
    ),
    (
        LIST_REGISTERED.response,
        (LATEST,),
        b'\n\x1d\n\x01s\x12\x01i\x18\x02"\x03def(\x010\x07:\x06\n\x01a\x12\x01bB\x02\x08\x01',
    ),
    (CHECK_COMPATIBILITY.request, CheckCompatibility(b"def", "s"), b"\n\x01s\x1a\x03def \x01"),
    (
        CHECK_COMPATIBILITY.request,
        CheckCompatibility(b"def", version_id="i", format=SchemaFormat.AVRO),
        b"\x12\x01i\x1a\x03def \x03",
    ),
    (CHECK_COMPATIBILITY.response, CompatibilityResult("i"), b"\n\x03\x12\x01i"),
    (
        CHECK_COMPATIBILITY.response,
        CompatibilityResult(errors=(CHANGED,)),
        b'\x12\x1d\x1a\x1b\x08\x02\x12\x01d\x1a\x03#/a"\x06String*\x07Integer',
    ),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each request and each answer is these bytes, and these bytes are it."""
    check(codec, value, data)


def test_what_only_newer_servers_know() -> None:
    """A mode or a kind of error of later servers is read as unknown, and a format as bytes."""
    details = pb.SchemaDetails(data_format=9, compatibility=9)  # type: ignore[arg-type] # of later
    told = GET_SCHEMA.response.decode(pb.GetSchemaResponse(schema=pb.Schema(schema_name="s", details=details)))
    assert (told.format, told.compatibility) == (SchemaFormat.BYTES, Compatibility.UNKNOWN)
    failure = pb.CheckSchemaCompatibilityResponse.Failure(errors=[{"kind": 99, "details": "d"}])
    [error] = CHECK_COMPATIBILITY.response.decode(pb.CheckSchemaCompatibilityResponse(failure=failure)).errors
    assert error == CompatibilityError(CompatibilityErrorKind.UNKNOWN, "d")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema_name": ""}, "SchemaName"),
        ({"schema_name": "with space"}, "SchemaName"),
        ({"schema_definition": b""}, "SchemaDefinition"),
        ({"details": None}, "Details"),
        ({"details": {"data_format": 1}}, "Details.Compatibility"),
    ],
)
def test_schemas_that_cannot_be(changes: dict[str, Any], field: str) -> None:
    """A request to create one is refused, and the error names the field."""
    fields = {"schema_name": "s", "schema_definition": b"d", "details": {"data_format": 1, "compatibility": 1}}
    with pytest.raises(InvalidArgument) as caught:
        CREATE_SCHEMA.request.decode(pb.CreateSchemaRequest(**{**fields, **changes}))
    assert [violation.field for violation in caught.value.violations] == [field]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CHANGED, "#/a: d: was String, is Integer"),
        (CompatibilityError(CompatibilityErrorKind.REMOVED_PROPERTY, "d", "#/a"), "#/a: d"),
        (CompatibilityError(CompatibilityErrorKind.DATA_FORMAT_MISMATCH, ""), "DATA_FORMAT_MISMATCH"),
    ],
)
def test_reasons_as_texts(error: CompatibilityError, text: str) -> None:
    """They have the property, what is wrong with it, and its types."""
    assert str(error) == text


def test_a_failure_without_a_reason_is_one() -> None:
    """It must not pass for compatible; nor may an answer that is neither of the two."""
    decode = CHECK_COMPATIBILITY.response.from_bytes
    result = decode(b"\x12\x00")
    assert not result
    assert [str(error) for error in result.errors] == ["the server does not say why"]
    assert decode(b"\n\x00")
    with pytest.raises(NoAnswer):
        decode(b"")
