# Written by protos/generate.py from kurrentdb/protocol/v2/registry/registry.proto: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
from typing import Any as _Anything
import datetime

from . import duration_pb2 as _duration_pb2
from . import field_mask_pb2 as _field_mask_pb2
from . import timestamp_pb2 as _timestamp_pb2
from . import wrappers_pb2 as _wrappers_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SchemaDataFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCHEMA_DATA_FORMAT_UNSPECIFIED: _ClassVar[SchemaDataFormat]
    SCHEMA_DATA_FORMAT_JSON: _ClassVar[SchemaDataFormat]
    SCHEMA_DATA_FORMAT_PROTOBUF: _ClassVar[SchemaDataFormat]
    SCHEMA_DATA_FORMAT_AVRO: _ClassVar[SchemaDataFormat]
    SCHEMA_DATA_FORMAT_BYTES: _ClassVar[SchemaDataFormat]

class CompatibilityMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPATIBILITY_MODE_UNSPECIFIED: _ClassVar[CompatibilityMode]
    COMPATIBILITY_MODE_BACKWARD: _ClassVar[CompatibilityMode]
    COMPATIBILITY_MODE_FORWARD: _ClassVar[CompatibilityMode]
    COMPATIBILITY_MODE_FULL: _ClassVar[CompatibilityMode]
    COMPATIBILITY_MODE_BACKWARD_ALL: _ClassVar[CompatibilityMode]
    COMPATIBILITY_MODE_FORWARD_ALL: _ClassVar[CompatibilityMode]
    COMPATIBILITY_MODE_FULL_ALL: _ClassVar[CompatibilityMode]
    COMPATIBILITY_MODE_NONE: _ClassVar[CompatibilityMode]

class SchemaCompatibilityErrorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCHEMA_COMPATIBILITY_ERROR_KIND_UNSPECIFIED: _ClassVar[SchemaCompatibilityErrorKind]
    SCHEMA_COMPATIBILITY_ERROR_KIND_MISSING_REQUIRED_PROPERTY: _ClassVar[SchemaCompatibilityErrorKind]
    SCHEMA_COMPATIBILITY_ERROR_KIND_INCOMPATIBLE_TYPE_CHANGE: _ClassVar[SchemaCompatibilityErrorKind]
    SCHEMA_COMPATIBILITY_ERROR_KIND_OPTIONAL_TO_REQUIRED: _ClassVar[SchemaCompatibilityErrorKind]
    SCHEMA_COMPATIBILITY_ERROR_KIND_NEW_REQUIRED_PROPERTY: _ClassVar[SchemaCompatibilityErrorKind]
    SCHEMA_COMPATIBILITY_ERROR_KIND_REMOVED_PROPERTY: _ClassVar[SchemaCompatibilityErrorKind]
    SCHEMA_COMPATIBILITY_ERROR_KIND_ARRAY_TYPE_INCOMPATIBILITY: _ClassVar[SchemaCompatibilityErrorKind]
    SCHEMA_COMPATIBILITY_ERROR_KIND_DATA_FORMAT_MISMATCH: _ClassVar[SchemaCompatibilityErrorKind]

class StreamFilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSUME_FILTER_TYPE_UNSPECIFIED: _ClassVar[StreamFilterType]
    CONSUME_FILTER_TYPE_REGEX: _ClassVar[StreamFilterType]
    CONSUME_FILTER_TYPE_CATEGORY: _ClassVar[StreamFilterType]
SCHEMA_DATA_FORMAT_UNSPECIFIED: SchemaDataFormat
SCHEMA_DATA_FORMAT_JSON: SchemaDataFormat
SCHEMA_DATA_FORMAT_PROTOBUF: SchemaDataFormat
SCHEMA_DATA_FORMAT_AVRO: SchemaDataFormat
SCHEMA_DATA_FORMAT_BYTES: SchemaDataFormat
COMPATIBILITY_MODE_UNSPECIFIED: CompatibilityMode
COMPATIBILITY_MODE_BACKWARD: CompatibilityMode
COMPATIBILITY_MODE_FORWARD: CompatibilityMode
COMPATIBILITY_MODE_FULL: CompatibilityMode
COMPATIBILITY_MODE_BACKWARD_ALL: CompatibilityMode
COMPATIBILITY_MODE_FORWARD_ALL: CompatibilityMode
COMPATIBILITY_MODE_FULL_ALL: CompatibilityMode
COMPATIBILITY_MODE_NONE: CompatibilityMode
SCHEMA_COMPATIBILITY_ERROR_KIND_UNSPECIFIED: SchemaCompatibilityErrorKind
SCHEMA_COMPATIBILITY_ERROR_KIND_MISSING_REQUIRED_PROPERTY: SchemaCompatibilityErrorKind
SCHEMA_COMPATIBILITY_ERROR_KIND_INCOMPATIBLE_TYPE_CHANGE: SchemaCompatibilityErrorKind
SCHEMA_COMPATIBILITY_ERROR_KIND_OPTIONAL_TO_REQUIRED: SchemaCompatibilityErrorKind
SCHEMA_COMPATIBILITY_ERROR_KIND_NEW_REQUIRED_PROPERTY: SchemaCompatibilityErrorKind
SCHEMA_COMPATIBILITY_ERROR_KIND_REMOVED_PROPERTY: SchemaCompatibilityErrorKind
SCHEMA_COMPATIBILITY_ERROR_KIND_ARRAY_TYPE_INCOMPATIBILITY: SchemaCompatibilityErrorKind
SCHEMA_COMPATIBILITY_ERROR_KIND_DATA_FORMAT_MISMATCH: SchemaCompatibilityErrorKind
CONSUME_FILTER_TYPE_UNSPECIFIED: StreamFilterType
CONSUME_FILTER_TYPE_REGEX: StreamFilterType
CONSUME_FILTER_TYPE_CATEGORY: StreamFilterType

class SchemaDetails(_message.Message):
    __slots__ = ("data_format", "compatibility", "description", "tags")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    data_format: SchemaDataFormat
    compatibility: CompatibilityMode
    description: str
    tags: _containers.ScalarMap[str, str]
    def __init__(self, data_format: _Optional[_Union[SchemaDataFormat, str]] = ..., compatibility: _Optional[_Union[CompatibilityMode, str]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CreateSchemaRequest(_message.Message):
    __slots__ = ("schema_name", "details", "schema_definition")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    details: SchemaDetails
    schema_definition: bytes
    def __init__(self, schema_name: _Optional[str] = ..., details: _Optional[_Union[SchemaDetails, _Mapping[str, _Anything]]] = ..., schema_definition: _Optional[bytes] = ...) -> None: ...

class CreateSchemaResponse(_message.Message):
    __slots__ = ("schema_version_id", "version_number")
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    schema_version_id: str
    version_number: int
    def __init__(self, schema_version_id: _Optional[str] = ..., version_number: _Optional[int] = ...) -> None: ...

class UpdateSchemaRequest(_message.Message):
    __slots__ = ("schema_name", "details", "update_mask")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    details: SchemaDetails
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, schema_name: _Optional[str] = ..., details: _Optional[_Union[SchemaDetails, _Mapping[str, _Anything]]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping[str, _Anything]]] = ...) -> None: ...

class UpdateSchemaResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeleteSchemaRequest(_message.Message):
    __slots__ = ("schema_name",)
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    def __init__(self, schema_name: _Optional[str] = ...) -> None: ...

class DeleteSchemaResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Schema(_message.Message):
    __slots__ = ("schema_name", "details", "latest_schema_version", "created_at", "updated_at")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    LATEST_SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    details: SchemaDetails
    latest_schema_version: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, schema_name: _Optional[str] = ..., details: _Optional[_Union[SchemaDetails, _Mapping[str, _Anything]]] = ..., latest_schema_version: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Anything]]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Anything]]] = ...) -> None: ...

class GetSchemaRequest(_message.Message):
    __slots__ = ("schema_name",)
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    def __init__(self, schema_name: _Optional[str] = ...) -> None: ...

class GetSchemaResponse(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    schema: Schema
    def __init__(self, schema: _Optional[_Union[Schema, _Mapping[str, _Anything]]] = ...) -> None: ...

class ListSchemasRequest(_message.Message):
    __slots__ = ("schema_name_prefix", "schema_tags")
    class SchemaTagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SCHEMA_NAME_PREFIX_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_TAGS_FIELD_NUMBER: _ClassVar[int]
    schema_name_prefix: str
    schema_tags: _containers.ScalarMap[str, str]
    def __init__(self, schema_name_prefix: _Optional[str] = ..., schema_tags: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ListSchemasResponse(_message.Message):
    __slots__ = ("schemas",)
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    schemas: _containers.RepeatedCompositeFieldContainer[Schema]
    def __init__(self, schemas: _Optional[_Iterable[_Union[Schema, _Mapping[str, _Anything]]]] = ...) -> None: ...

class LookupSchemaNameRequest(_message.Message):
    __slots__ = ("schema_version_id",)
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    schema_version_id: str
    def __init__(self, schema_version_id: _Optional[str] = ...) -> None: ...

class LookupSchemaNameResponse(_message.Message):
    __slots__ = ("schema_name",)
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    def __init__(self, schema_name: _Optional[str] = ...) -> None: ...

class RegisterSchemaVersionRequest(_message.Message):
    __slots__ = ("schema_name", "schema_definition")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    schema_definition: bytes
    def __init__(self, schema_name: _Optional[str] = ..., schema_definition: _Optional[bytes] = ...) -> None: ...

class RegisterSchemaVersionResponse(_message.Message):
    __slots__ = ("schema_version_id", "version_number")
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    schema_version_id: str
    version_number: int
    def __init__(self, schema_version_id: _Optional[str] = ..., version_number: _Optional[int] = ...) -> None: ...

class DeleteSchemaVersionsRequest(_message.Message):
    __slots__ = ("schema_name", "versions")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, schema_name: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ...) -> None: ...

class DeleteSchemaVersionsResponse(_message.Message):
    __slots__ = ("errors",)
    class SchemaVersionError(_message.Message):
        __slots__ = ("version_number",)
        VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
        version_number: int
        def __init__(self, version_number: _Optional[int] = ...) -> None: ...
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    errors: _containers.RepeatedCompositeFieldContainer[DeleteSchemaVersionsResponse.SchemaVersionError]
    def __init__(self, errors: _Optional[_Iterable[_Union[DeleteSchemaVersionsResponse.SchemaVersionError, _Mapping[str, _Anything]]]] = ...) -> None: ...

class SchemaVersion(_message.Message):
    __slots__ = ("schema_version_id", "version_number", "schema_definition", "data_format", "registered_at")
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    schema_version_id: str
    version_number: int
    schema_definition: bytes
    data_format: SchemaDataFormat
    registered_at: _timestamp_pb2.Timestamp
    def __init__(self, schema_version_id: _Optional[str] = ..., version_number: _Optional[int] = ..., schema_definition: _Optional[bytes] = ..., data_format: _Optional[_Union[SchemaDataFormat, str]] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Anything]]] = ...) -> None: ...

class GetSchemaVersionRequest(_message.Message):
    __slots__ = ("schema_name", "version_number")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    version_number: int
    def __init__(self, schema_name: _Optional[str] = ..., version_number: _Optional[int] = ...) -> None: ...

class GetSchemaVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: SchemaVersion
    def __init__(self, version: _Optional[_Union[SchemaVersion, _Mapping[str, _Anything]]] = ...) -> None: ...

class GetSchemaVersionByIdRequest(_message.Message):
    __slots__ = ("schema_version_id",)
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    schema_version_id: str
    def __init__(self, schema_version_id: _Optional[str] = ...) -> None: ...

class GetSchemaVersionByIdResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: SchemaVersion
    def __init__(self, version: _Optional[_Union[SchemaVersion, _Mapping[str, _Anything]]] = ...) -> None: ...

class ListSchemaVersionsRequest(_message.Message):
    __slots__ = ("schema_name", "include_definition")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    include_definition: bool
    def __init__(self, schema_name: _Optional[str] = ..., include_definition: _Optional[bool] = ...) -> None: ...

class ListSchemaVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[SchemaVersion]
    def __init__(self, versions: _Optional[_Iterable[_Union[SchemaVersion, _Mapping[str, _Anything]]]] = ...) -> None: ...

class RegisteredSchema(_message.Message):
    __slots__ = ("schema_name", "schema_version_id", "version_number", "schema_definition", "data_format", "compatibility", "tags", "registered_at")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    schema_version_id: str
    version_number: int
    schema_definition: bytes
    data_format: SchemaDataFormat
    compatibility: CompatibilityMode
    tags: _containers.ScalarMap[str, str]
    registered_at: _timestamp_pb2.Timestamp
    def __init__(self, schema_name: _Optional[str] = ..., schema_version_id: _Optional[str] = ..., version_number: _Optional[int] = ..., schema_definition: _Optional[bytes] = ..., data_format: _Optional[_Union[SchemaDataFormat, str]] = ..., compatibility: _Optional[_Union[CompatibilityMode, str]] = ..., tags: _Optional[_Mapping[str, str]] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Anything]]] = ...) -> None: ...

class ListRegisteredSchemasRequest(_message.Message):
    __slots__ = ("schema_version_id", "schema_name_prefix", "schema_tags", "include_definition")
    class SchemaTagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_NAME_PREFIX_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_TAGS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    schema_version_id: str
    schema_name_prefix: str
    schema_tags: _containers.ScalarMap[str, str]
    include_definition: bool
    def __init__(self, schema_version_id: _Optional[str] = ..., schema_name_prefix: _Optional[str] = ..., schema_tags: _Optional[_Mapping[str, str]] = ..., include_definition: _Optional[bool] = ...) -> None: ...

class ListRegisteredSchemasResponse(_message.Message):
    __slots__ = ("schemas",)
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    schemas: _containers.RepeatedCompositeFieldContainer[RegisteredSchema]
    def __init__(self, schemas: _Optional[_Iterable[_Union[RegisteredSchema, _Mapping[str, _Anything]]]] = ...) -> None: ...

class BulkRegisterSchemasRequest(_message.Message):
    __slots__ = ("requests", "keep_order", "stop_on_error")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    KEEP_ORDER_FIELD_NUMBER: _ClassVar[int]
    STOP_ON_ERROR_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateSchemaRequest]
    keep_order: bool
    stop_on_error: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateSchemaRequest, _Mapping[str, _Anything]]]] = ..., keep_order: _Optional[bool] = ..., stop_on_error: _Optional[bool] = ...) -> None: ...

class BulkRegisterSchemasResponse(_message.Message):
    __slots__ = ("duration", "responses")
    DURATION_FIELD_NUMBER: _ClassVar[int]
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    duration: _duration_pb2.Duration
    responses: _containers.RepeatedCompositeFieldContainer[CreateSchemaResponse]
    def __init__(self, duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping[str, _Anything]]] = ..., responses: _Optional[_Iterable[_Union[CreateSchemaResponse, _Mapping[str, _Anything]]]] = ...) -> None: ...

class CheckSchemaCompatibilityRequest(_message.Message):
    __slots__ = ("schema_name", "schema_version_id", "definition", "data_format")
    SCHEMA_NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    schema_name: str
    schema_version_id: str
    definition: bytes
    data_format: SchemaDataFormat
    def __init__(self, schema_name: _Optional[str] = ..., schema_version_id: _Optional[str] = ..., definition: _Optional[bytes] = ..., data_format: _Optional[_Union[SchemaDataFormat, str]] = ...) -> None: ...

class CheckSchemaCompatibilityResponse(_message.Message):
    __slots__ = ("success", "failure")
    class Success(_message.Message):
        __slots__ = ("schema_version_id",)
        SCHEMA_VERSION_ID_FIELD_NUMBER: _ClassVar[int]
        schema_version_id: str
        def __init__(self, schema_version_id: _Optional[str] = ...) -> None: ...
    class Failure(_message.Message):
        __slots__ = ("errors",)
        ERRORS_FIELD_NUMBER: _ClassVar[int]
        errors: _containers.RepeatedCompositeFieldContainer[SchemaCompatibilityError]
        def __init__(self, errors: _Optional[_Iterable[_Union[SchemaCompatibilityError, _Mapping[str, _Anything]]]] = ...) -> None: ...
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    success: CheckSchemaCompatibilityResponse.Success
    failure: CheckSchemaCompatibilityResponse.Failure
    def __init__(self, success: _Optional[_Union[CheckSchemaCompatibilityResponse.Success, _Mapping[str, _Anything]]] = ..., failure: _Optional[_Union[CheckSchemaCompatibilityResponse.Failure, _Mapping[str, _Anything]]] = ...) -> None: ...

class SchemaCompatibilityError(_message.Message):
    __slots__ = ("kind", "details", "property_path", "original_type", "new_type")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    PROPERTY_PATH_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_TYPE_FIELD_NUMBER: _ClassVar[int]
    NEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    kind: SchemaCompatibilityErrorKind
    details: str
    property_path: str
    original_type: str
    new_type: str
    def __init__(self, kind: _Optional[_Union[SchemaCompatibilityErrorKind, str]] = ..., details: _Optional[str] = ..., property_path: _Optional[str] = ..., original_type: _Optional[str] = ..., new_type: _Optional[str] = ...) -> None: ...

class SchemaGroup(_message.Message):
    __slots__ = ("group_id", "details", "created_at", "updated_at")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    group_id: str
    details: SchemaGroupDetails
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, group_id: _Optional[str] = ..., details: _Optional[_Union[SchemaGroupDetails, _Mapping[str, _Anything]]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Anything]]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping[str, _Anything]]] = ...) -> None: ...

class SchemaGroupDetails(_message.Message):
    __slots__ = ("name", "description", "tags", "auto_registration", "validation", "compatibility", "data_format", "stream_filter")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    AUTO_REGISTRATION_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    COMPATIBILITY_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    STREAM_FILTER_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    tags: _containers.ScalarMap[str, str]
    auto_registration: AutoRegistrationSettings
    validation: ValidationSettings
    compatibility: CompatibilitySettings
    data_format: DataFormatSettings
    stream_filter: StreamFilterSettings
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., auto_registration: _Optional[_Union[AutoRegistrationSettings, _Mapping[str, _Anything]]] = ..., validation: _Optional[_Union[ValidationSettings, _Mapping[str, _Anything]]] = ..., compatibility: _Optional[_Union[CompatibilitySettings, _Mapping[str, _Anything]]] = ..., data_format: _Optional[_Union[DataFormatSettings, _Mapping[str, _Anything]]] = ..., stream_filter: _Optional[_Union[StreamFilterSettings, _Mapping[str, _Anything]]] = ...) -> None: ...

class AutoRegistrationSettings(_message.Message):
    __slots__ = ("enabled",)
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    def __init__(self, enabled: _Optional[bool] = ...) -> None: ...

class ValidationSettings(_message.Message):
    __slots__ = ("enabled",)
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    def __init__(self, enabled: _Optional[bool] = ...) -> None: ...

class CompatibilitySettings(_message.Message):
    __slots__ = ("enforce", "mode")
    ENFORCE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    enforce: bool
    mode: CompatibilityMode
    def __init__(self, enforce: _Optional[bool] = ..., mode: _Optional[_Union[CompatibilityMode, str]] = ...) -> None: ...

class DataFormatSettings(_message.Message):
    __slots__ = ("enforce", "format")
    ENFORCE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    enforce: bool
    format: SchemaDataFormat
    def __init__(self, enforce: _Optional[bool] = ..., format: _Optional[_Union[SchemaDataFormat, str]] = ...) -> None: ...

class StreamFilterSettings(_message.Message):
    __slots__ = ("enforce", "filter")
    ENFORCE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    enforce: bool
    filter: StreamFilter
    def __init__(self, enforce: _Optional[bool] = ..., filter: _Optional[_Union[StreamFilter, _Mapping[str, _Anything]]] = ...) -> None: ...

class StreamFilter(_message.Message):
    __slots__ = ("filter_type", "expression")
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    filter_type: StreamFilterType
    expression: str
    def __init__(self, filter_type: _Optional[_Union[StreamFilterType, str]] = ..., expression: _Optional[str] = ...) -> None: ...

class CreateSchemaGroupRequest(_message.Message):
    __slots__ = ("group_id", "details")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    group_id: str
    details: SchemaGroupDetails
    def __init__(self, group_id: _Optional[str] = ..., details: _Optional[_Union[SchemaGroupDetails, _Mapping[str, _Anything]]] = ...) -> None: ...

class CreateSchemaGroupResponse(_message.Message):
    __slots__ = ("group_id",)
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    group_id: str
    def __init__(self, group_id: _Optional[str] = ...) -> None: ...

class UpdateSchemaGroupRequest(_message.Message):
    __slots__ = ("group_id", "details", "update_mask")
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    group_id: str
    details: SchemaGroupDetails
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, group_id: _Optional[str] = ..., details: _Optional[_Union[SchemaGroupDetails, _Mapping[str, _Anything]]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping[str, _Anything]]] = ...) -> None: ...

class UpdateSchemaGroupResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeleteSchemaGroupRequest(_message.Message):
    __slots__ = ("group_id",)
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    group_id: str
    def __init__(self, group_id: _Optional[str] = ...) -> None: ...

class DeleteSchemaGroupResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSchemaGroupRequest(_message.Message):
    __slots__ = ("group_id",)
    GROUP_ID_FIELD_NUMBER: _ClassVar[int]
    group_id: str
    def __init__(self, group_id: _Optional[str] = ...) -> None: ...

class GetSchemaGroupResponse(_message.Message):
    __slots__ = ("group",)
    GROUP_FIELD_NUMBER: _ClassVar[int]
    group: SchemaGroup
    def __init__(self, group: _Optional[_Union[SchemaGroup, _Mapping[str, _Anything]]] = ...) -> None: ...

class ListSchemaGroupsRequest(_message.Message):
    __slots__ = ("group_name_prefix",)
    GROUP_NAME_PREFIX_FIELD_NUMBER: _ClassVar[int]
    group_name_prefix: _wrappers_pb2.StringValue
    def __init__(self, group_name_prefix: _Optional[_Union[_wrappers_pb2.StringValue, _Mapping[str, _Anything]]] = ...) -> None: ...

class ListSchemaGroupsResponse(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[SchemaGroup]
    def __init__(self, groups: _Optional[_Iterable[_Union[SchemaGroup, _Mapping[str, _Anything]]]] = ...) -> None: ...
