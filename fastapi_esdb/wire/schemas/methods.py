"""The RPCs of the SchemaRegistryService that servers have, and the converters of its requests and answers.

They check what KurrentDB 26.1 checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi_esdb.wire.codec.fields import nothing
from fastapi_esdb.wire.codec.scalars import Fields, decode_timestamp, encode_timestamp
from fastapi_esdb.wire.errors import FieldViolation, InvalidArgument, NoAnswer
from fastapi_esdb.wire.method import Codec, Service, Value
from fastapi_esdb.wire.proto.v2 import registry_pb2 as pb
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
from fastapi_esdb.wire.streams_v2.values import SCHEMA_NAME, SchemaFormat

NO_NAME = "Schema name must not be empty"
WRONG_NAME = (
    "Schema name can only contain unicode letters, digits, underscores, dashes, periods, colons, and dollar signs. "
    "Attempted Value: "
)
NO_DEFINITION = "Schema definition must not be empty"
NO_COMPATIBILITY = "Compatibility mode must not be unspecified"
"""The texts of a real server for these mistakes, recorded."""

NO_REASON = CompatibilityError(CompatibilityErrorKind.UNKNOWN, "the server does not say why")

SINCE = "25.1"
"""The first version of the server that has a registry."""


def refusal(field: str, *texts: str) -> InvalidArgument:
    """Return the error for a mistake in a field of a request, with all that is wrong with it."""
    text = ", ".join(texts)
    return InvalidArgument(text, (FieldViolation(field, text),))


def _decode_create(message: pb.CreateSchemaRequest) -> CreateSchema:
    name, details = message.schema_name, message.details
    if not SCHEMA_NAME.fullmatch(name):
        raise refusal("SchemaName", *([] if name else [NO_NAME]), WRONG_NAME + name)
    if not message.schema_definition:
        raise refusal("SchemaDefinition", NO_DEFINITION)
    if not message.HasField("details"):
        raise refusal("Details", "the schema has none: give it a format and a compatibility mode")
    if not details.compatibility:
        raise refusal("Details.Compatibility", NO_COMPATIBILITY)
    return CreateSchema(
        name,
        message.schema_definition,
        _format(details.data_format),
        Compatibility(details.compatibility),
        details.description,
        dict(details.tags),
    )


def _encode_create(value: CreateSchema) -> pb.CreateSchemaRequest:
    details = _details(value, value.format)
    return pb.CreateSchemaRequest(schema_name=value.schema, details=details, schema_definition=value.definition)


def _details(value: CreateSchema | UpdateSchema | Schema, format_: SchemaFormat | None) -> pb.SchemaDetails:
    fields: Fields = {"compatibility": value.compatibility.value} if value.compatibility.value else {}
    if format_:
        fields["data_format"] = format_.value
    return pb.SchemaDetails(description=value.description, tags=value.tags, **fields)


def _format(number: int) -> SchemaFormat:
    """Return a format; one that only newer servers have is told as bytes."""
    return SchemaFormat(number) if number in _FORMATS else SchemaFormat.BYTES


_FORMATS = {format_.value for format_ in SchemaFormat}


def _encode_update(value: UpdateSchema) -> pb.UpdateSchemaRequest:
    mask: Fields = {"update_mask": {"paths": value.mask}}
    return pb.UpdateSchemaRequest(schema_name=value.schema, details=_details(value, None), **mask)


def _decode_update(message: pb.UpdateSchemaRequest) -> UpdateSchema:
    details = message.details
    return UpdateSchema(
        message.schema_name,
        tuple(message.update_mask.paths),
        Compatibility(details.compatibility),
        details.description,
        dict(details.tags),
    )


def _encode_schema(value: Schema) -> pb.Schema:
    times: Fields = {"created_at": encode_timestamp(value.created_at), "updated_at": encode_timestamp(value.updated_at)}
    return pb.Schema(
        schema_name=value.name,
        details=_details(value, value.format),
        latest_schema_version=value.latest_version,
        **times,
    )


def _decode_schema(message: pb.Schema) -> Schema:
    details = message.details
    return Schema(
        message.schema_name,
        _format(details.data_format),
        Compatibility(details.compatibility),
        details.description,
        dict(details.tags),
        message.latest_schema_version,
        decode_timestamp(message.created_at),
        decode_timestamp(message.updated_at),
    )


def _encode_version(value: SchemaVersion) -> pb.SchemaVersion:
    fields: Fields = {"data_format": value.format.value, "registered_at": encode_timestamp(value.registered_at)}
    return pb.SchemaVersion(
        schema_version_id=value.id, version_number=value.number, schema_definition=value.definition, **fields
    )


def _decode_version(message: pb.SchemaVersion) -> SchemaVersion:
    return SchemaVersion(
        message.schema_version_id,
        message.version_number,
        message.schema_definition,
        _format(message.data_format),
        decode_timestamp(message.registered_at),
    )


def _encode_registered(value: RegisteredSchema) -> pb.RegisteredSchema:
    fields: Fields = {
        "data_format": value.format.value,
        "compatibility": value.compatibility.value,
        "registered_at": encode_timestamp(value.registered_at),
    }
    return pb.RegisteredSchema(
        schema_name=value.name,
        schema_version_id=value.version_id,
        version_number=value.version,
        schema_definition=value.definition,
        tags=value.tags,
        **fields,
    )


def _decode_registered(message: pb.RegisteredSchema) -> RegisteredSchema:
    return RegisteredSchema(
        message.schema_name,
        message.schema_version_id,
        message.version_number,
        message.schema_definition,
        _format(message.data_format),
        Compatibility(message.compatibility),
        dict(message.tags),
        decode_timestamp(message.registered_at),
    )


def _encode_check(value: CheckCompatibility) -> pb.CheckSchemaCompatibilityRequest:
    fields: Fields = {"data_format": value.format.value}
    fields |= {"schema_version_id": value.version_id} if value.version_id else {"schema_name": value.schema}
    return pb.CheckSchemaCompatibilityRequest(definition=value.definition, **fields)


def _decode_check(message: pb.CheckSchemaCompatibilityRequest) -> CheckCompatibility:
    format_ = _format(message.data_format)
    return CheckCompatibility(message.definition, message.schema_name, message.schema_version_id, format_)


def _encode_result(value: CompatibilityResult) -> pb.CheckSchemaCompatibilityResponse:
    if value.is_compatible:
        success = pb.CheckSchemaCompatibilityResponse.Success(schema_version_id=value.version_id)
        return pb.CheckSchemaCompatibilityResponse(success=success)
    errors: list[Fields] = [
        {
            "kind": error.kind.value,
            "details": error.details,
            "property_path": error.path,
            "original_type": error.original_type,
            "new_type": error.new_type,
        }
        for error in value.errors
    ]
    failure: Fields = {"failure": {"errors": errors}}
    return pb.CheckSchemaCompatibilityResponse(**failure)


def _decode_result(message: pb.CheckSchemaCompatibilityResponse) -> CompatibilityResult:
    match message.WhichOneof("result"):
        case "success":
            return CompatibilityResult(message.success.schema_version_id)
        case "failure":
            errors = tuple(map(_decode_error, message.failure.errors))
            return CompatibilityResult(errors=errors or (NO_REASON,))
    raise NoAnswer


def _decode_error(error: pb.SchemaCompatibilityError) -> CompatibilityError:
    return CompatibilityError(
        CompatibilityErrorKind(error.kind), error.details, error.property_path, error.original_type, error.new_type
    )


def _codec(message: type[Any], encode: Callable[[Value], Fields], decode: Callable[[Any], Value]) -> Codec[Value]:
    return Codec(message, lambda value: message(**encode(value)), decode)


def _named(message: type[Any]) -> Codec[SchemaName]:
    return _codec(message, lambda value: {"schema_name": value.schema}, lambda told: SchemaName(told.schema_name))


def _by_id(message: type[Any]) -> Codec[VersionId]:
    return _codec(
        message, lambda value: {"schema_version_id": value.version_id}, lambda told: VersionId(told.schema_version_id)
    )


def _registered(message: type[Any]) -> Codec[SchemaRegistered]:
    return _codec(
        message,
        lambda value: {"schema_version_id": value.version_id, "version_number": value.version},
        lambda told: SchemaRegistered(told.schema_version_id, told.version_number),
    )


def _version(message: type[Any]) -> Codec[SchemaVersion]:
    return _codec(
        message, lambda value: {"version": _encode_version(value)}, lambda told: _decode_version(told.version)
    )


_SERVICE = Service("kurrentdb.protocol.registry.v2.SchemaRegistryService")

CREATE_SCHEMA = _SERVICE.method(
    "CreateSchema",
    Codec(pb.CreateSchemaRequest, _encode_create, _decode_create),
    _registered(pb.CreateSchemaResponse),
    since=SINCE,
)
UPDATE_SCHEMA = _SERVICE.method(
    "UpdateSchema",
    Codec(pb.UpdateSchemaRequest, _encode_update, _decode_update),
    nothing(pb.UpdateSchemaResponse),
    since=SINCE,
)
DELETE_SCHEMA = _SERVICE.method(
    "DeleteSchema", _named(pb.DeleteSchemaRequest), nothing(pb.DeleteSchemaResponse), since=SINCE
)
GET_SCHEMA = _SERVICE.method(
    "GetSchema",
    _named(pb.GetSchemaRequest),
    Codec(
        pb.GetSchemaResponse,
        lambda value: pb.GetSchemaResponse(schema=_encode_schema(value)),
        lambda told: _decode_schema(told.schema),
    ),
    writes=False,
    since=SINCE,
)
LIST_SCHEMAS = _SERVICE.method(
    "ListSchemas",
    _codec(
        pb.ListSchemasRequest,
        lambda value: {"schema_name_prefix": value.prefix, "schema_tags": value.tags},
        lambda told: ListSchemas(told.schema_name_prefix, dict(told.schema_tags)),
    ),
    _codec(
        pb.ListSchemasResponse,
        lambda value: {"schemas": map(_encode_schema, value)},
        lambda told: tuple(map(_decode_schema, told.schemas)),
    ),
    writes=False,
    since=SINCE,
)
LOOKUP_SCHEMA_NAME = _SERVICE.method(
    "LookupSchemaName",
    _by_id(pb.LookupSchemaNameRequest),
    _codec(pb.LookupSchemaNameResponse, lambda value: {"schema_name": value}, lambda told: str(told.schema_name)),
    writes=False,
    since=SINCE,
)
REGISTER_VERSION = _SERVICE.method(
    "RegisterSchemaVersion",
    _codec(
        pb.RegisterSchemaVersionRequest,
        lambda value: {"schema_name": value.schema, "schema_definition": value.definition},
        lambda told: RegisterVersion(told.schema_name, told.schema_definition),
    ),
    _registered(pb.RegisterSchemaVersionResponse),
    since=SINCE,
)
DELETE_VERSIONS = _SERVICE.method(
    "DeleteSchemaVersions",
    _codec(
        pb.DeleteSchemaVersionsRequest,
        lambda value: {"schema_name": value.schema, "versions": value.versions},
        lambda told: DeleteVersions(told.schema_name, tuple(told.versions)),
    ),
    _codec(
        pb.DeleteSchemaVersionsResponse,
        lambda value: {"errors": [{"version_number": number} for number in value]},
        lambda told: tuple(error.version_number for error in told.errors),
    ),
    since=SINCE,
)
GET_VERSION = _SERVICE.method(
    "GetSchemaVersion",
    _codec(
        pb.GetSchemaVersionRequest,
        lambda value: {"schema_name": value.schema, "version_number": value.number},
        lambda told: GetVersion(told.schema_name, told.version_number if told.HasField("version_number") else None),
    ),
    _version(pb.GetSchemaVersionResponse),
    writes=False,
    since=SINCE,
)
GET_VERSION_BY_ID = _SERVICE.method(
    "GetSchemaVersionById",
    _by_id(pb.GetSchemaVersionByIdRequest),
    _version(pb.GetSchemaVersionByIdResponse),
    writes=False,
    since=SINCE,
)
LIST_VERSIONS = _SERVICE.method(
    "ListSchemaVersions",
    _codec(
        pb.ListSchemaVersionsRequest,
        lambda value: {"schema_name": value.schema, "include_definition": value.with_definitions},
        lambda told: ListVersions(told.schema_name, told.include_definition),
    ),
    _codec(
        pb.ListSchemaVersionsResponse,
        lambda value: {"versions": map(_encode_version, value)},
        lambda told: tuple(map(_decode_version, told.versions)),
    ),
    writes=False,
    since=SINCE,
)
LIST_REGISTERED = _SERVICE.method(
    "ListRegisteredSchemas",
    _codec(
        pb.ListRegisteredSchemasRequest,
        lambda value: {
            "schema_version_id": value.version_id,
            "schema_name_prefix": value.prefix,
            "schema_tags": value.tags,
            "include_definition": value.with_definitions,
        },
        lambda told: ListRegistered(
            told.schema_version_id, told.schema_name_prefix, dict(told.schema_tags), told.include_definition
        ),
    ),
    _codec(
        pb.ListRegisteredSchemasResponse,
        lambda value: {"schemas": map(_encode_registered, value)},
        lambda told: tuple(map(_decode_registered, told.schemas)),
    ),
    writes=False,
    since=SINCE,
)
CHECK_COMPATIBILITY = _SERVICE.method(
    "CheckSchemaCompatibility",
    Codec(pb.CheckSchemaCompatibilityRequest, _encode_check, _decode_check),
    Codec(pb.CheckSchemaCompatibilityResponse, _encode_result, _decode_result),
    writes=False,
    since=SINCE,
)
