"""Errors of the registry of schemas, in both directions.

They have google's own details and no ErrorInfo: a ResourceInfo for what is missing or there already, a BadRequest for a
mistake, and nothing where a version is refused.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fastapi_esdb.wire.errors import (
    EsdbError,
    FieldViolation,
    InvalidArgument,
    SchemaExists,
    SchemaNotFound,
    SchemaRefused,
)
from fastapi_esdb.wire.proto.v2 import error_details_pb2, status_pb2
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.typed_details import pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

_RESOURCE = error_details_pb2.ResourceInfo.DESCRIPTOR.full_name
_BAD_REQUEST = error_details_pb2.BadRequest.DESCRIPTOR.full_name


def read_registry(code: StatusCode, text: str, details: Mapping[str, bytes]) -> EsdbError | None:
    """Return the error for the details, by their names; `None` if they are none of the registry's."""
    if _RESOURCE in details:
        resource = error_details_pb2.ResourceInfo.FromString(details[_RESOURCE])
        if code is StatusCode.ALREADY_EXISTS:
            return SchemaExists(resource.resource_name)
        return SchemaNotFound(resource.resource_name, resource.resource_type)
    if _BAD_REQUEST in details:
        bad = error_details_pb2.BadRequest.FromString(details[_BAD_REQUEST])
        violations = tuple(FieldViolation(one.field, one.description) for one in bad.field_violations)
        return InvalidArgument("; ".join(map(str, violations)), violations)
    return None if details or code is not StatusCode.FAILED_PRECONDITION else SchemaRefused(text)


def write_registry(error: EsdbError) -> status_pb2.Status | None:
    """Return how a call ends with the error, `None` if it is none of the registry's."""
    match error:
        case SchemaNotFound(schema, kind) if kind:
            text = f"The resource '{kind}' named '{schema}' was not found."
            found = error_details_pb2.ResourceInfo(resource_type=kind, resource_name=schema, description=text)
            return _status(StatusCode.NOT_FOUND, text, found)
        case SchemaNotFound(schema):
            text = f"Schema {schema} not found"
            return _status(StatusCode.NOT_FOUND, text, error_details_pb2.ResourceInfo(description=text))
        case SchemaExists(schema):
            text = f"Schema {schema} already exists"
            return _status(StatusCode.ALREADY_EXISTS, text, error_details_pb2.ResourceInfo(description=text))
        case InvalidArgument(violations=violations) if violations:
            fields = [{"field": one.field, "description": one.description} for one in violations]
            text = json.dumps({one.field: [one.description] for one in violations})
            return _status(StatusCode.INVALID_ARGUMENT, text, error_details_pb2.BadRequest(field_violations=fields))
        case SchemaRefused(reason):
            return _status(StatusCode.FAILED_PRECONDITION, reason)
    return None


def _status(code: StatusCode, text: str, *details: Message) -> status_pb2.Status:
    return status_pb2.Status(code=code, message=text, details=[pack(detail) for detail in details])
