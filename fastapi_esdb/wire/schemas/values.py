"""Requests to the SchemaRegistryService, and its answers, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fastapi_esdb.wire.codec.scalars import OpenEnum
from fastapi_esdb.wire.streams_v2.values import SchemaFormat


class Compatibility(OpenEnum):
    """The rule for what a new version of a schema must be able to do. The values are the numbers of the protocol.

    With `BACKWARD` it reads what was written by the latest version, with `FORWARD` the latest version reads what is
    written by it, with `FULL` both. The modes `…_ALL` compare it with every version. `NONE` allows everything.
    """

    UNKNOWN = 0
    """One that only newer servers have."""
    BACKWARD = 1
    FORWARD = 2
    FULL = 3
    BACKWARD_ALL = 4
    FORWARD_ALL = 5
    FULL_ALL = 6
    NONE = 7


class CompatibilityErrorKind(OpenEnum):
    """The kind of an incompatibility. The values are the numbers of the protocol."""

    UNKNOWN = 0
    """One that only newer servers have."""
    MISSING_REQUIRED_PROPERTY = 1
    """`BACKWARD`: the new version lacks a property that the old one requires."""
    INCOMPATIBLE_TYPE_CHANGE = 2
    """A property is of another type."""
    OPTIONAL_TO_REQUIRED = 3
    """`BACKWARD`: the new version requires a property that was optional."""
    NEW_REQUIRED_PROPERTY = 4
    """The new version requires a property that the old one doesn't have."""
    REMOVED_PROPERTY = 5
    """`FORWARD`: the new version lacks a property that the old one requires."""
    ARRAY_TYPE_INCOMPATIBILITY = 6
    """The items of an array are of another type."""
    DATA_FORMAT_MISMATCH = 7
    """The definition is in another format than the schema."""


@dataclass(frozen=True, slots=True)
class CompatibilityError:
    """A reason why a schema is not compatible: the property at `path`, and its types where they are the reason."""

    kind: CompatibilityErrorKind
    details: str
    path: str = ""
    original_type: str = ""
    new_type: str = ""

    def __str__(self) -> str:
        types = f": was {self.original_type}, is {self.new_type}" if self.original_type or self.new_type else ""
        return f"{self.path + ': ' if self.path else ''}{self.details or self.kind.name}{types}"


@dataclass(frozen=True, slots=True)
class CompatibilityResult:
    """The result of a check, true if it is compatible. `version_id` is the version that it was compared with then."""

    version_id: str = ""
    errors: tuple[CompatibilityError, ...] = ()

    def __bool__(self) -> bool:
        return self.is_compatible

    @property
    def is_compatible(self) -> bool:
        return not self.errors


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema in the registry. The times are aware, in UTC."""

    name: str
    format: SchemaFormat
    compatibility: Compatibility
    description: str
    tags: Mapping[str, str]
    latest_version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SchemaRegistered:
    """The result of a registration: the id and the number of the new version."""

    version_id: str
    version: int


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """A version of a schema. `definition` is empty in lists, unless they were asked for with definitions."""

    id: str
    number: int
    definition: bytes
    format: SchemaFormat
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema with its latest version."""

    name: str
    version_id: str
    version: int
    definition: bytes
    format: SchemaFormat
    compatibility: Compatibility
    tags: Mapping[str, str]
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """A schema to create, with its first version."""

    schema: str
    definition: bytes
    format: SchemaFormat = SchemaFormat.JSON
    compatibility: Compatibility = Compatibility.BACKWARD
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpdateSchema:
    """New details of a schema: those that `mask` names, by their names in the protocol."""

    schema: str
    mask: tuple[str, ...]
    compatibility: Compatibility = Compatibility.UNKNOWN
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SchemaName:
    """The schema to delete or to describe."""

    schema: str


@dataclass(frozen=True, slots=True)
class ListSchemas:
    """The schemas to describe: those whose name begins with `prefix`, and that have all the `tags`."""

    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionId:
    """A version of a schema, by its id."""

    version_id: str


@dataclass(frozen=True, slots=True)
class RegisterVersion:
    """A new version of a schema."""

    schema: str
    definition: bytes


@dataclass(frozen=True, slots=True)
class DeleteVersions:
    """Versions of a schema to delete."""

    schema: str
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GetVersion:
    """The version of a schema to describe, by its number; the latest one without."""

    schema: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ListVersions:
    """The schema whose versions are listed, with their definitions or without."""

    schema: str
    with_definitions: bool = False


@dataclass(frozen=True, slots=True)
class ListRegistered:
    """The latest versions to list: the one with that id, or those of schemas by prefix and tags."""

    version_id: str = ""
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    with_definitions: bool = False


@dataclass(frozen=True, slots=True)
class CheckCompatibility:
    """A definition to compare with a schema, which is given by its name or by the id of a version of it."""

    definition: bytes
    schema: str = ""
    version_id: str = ""
    format: SchemaFormat = SchemaFormat.JSON
