"""The schemas of a server: the commands for them, and what is stored of them, as events like everything else."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from fastapi_esdb.embedded.schemas.compatibility import incompatibilities
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.wire.errors import SchemaExists, SchemaNotFound, SchemaRefused, StreamDeleted, StreamNotFound
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY
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
    SchemaRegistered,
    SchemaVersion,
    UpdateSchema,
)
from fastapi_esdb.wire.streams_v2.values import SchemaFormat

STREAM = "$schemas"
"""The stream with what happened to all schemas."""

CREATED, CHANGED, REGISTERED = "$SchemaCreated", "$SchemaChanged", "$SchemaVersionRegistered"
VERSIONS_DELETED, DELETED = "$SchemaVersionsDeleted", "$SchemaDeleted"

QUERIED, QUERIED_VERSION = "Schema", "SchemaVersion"
"""The kinds of what a query did not find."""

_FIELDS = ("details.compatibility", "details.description", "details.tags")
"""The details that can be changed."""


@dataclass(slots=True)
class Stored:
    """A schema with its versions by number, the oldest first."""

    name: str
    format: SchemaFormat
    created: datetime
    updated: datetime
    compatibility: Compatibility = Compatibility.NONE
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: dict[int, SchemaVersion] = field(default_factory=dict)
    last_number: int = 0
    is_deleted: bool = False

    @property
    def latest(self) -> SchemaVersion | None:
        return next(reversed(self.versions.values()), None)

    def told(self) -> Schema:
        latest = self.latest.number if self.latest else 0
        return Schema(
            self.name,
            self.format,
            self.compatibility,
            self.description,
            self.tags,
            latest,
            self.created,
            self.updated,
        )

    def faults(self, definition: bytes) -> tuple[CompatibilityError, ...]:
        """Return what speaks against a next version. Only JSON schemas are compared."""
        if self.format is not SchemaFormat.JSON:
            return ()
        return incompatibilities(self.compatibility, [v.definition for v in self.versions.values()], definition)


class Registry:
    """The schemas of a database. Commands are carried out one after the other."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._schemas: dict[str, Stored] = {}
        self._next = 0
        self._commanding = asyncio.Lock()

    async def create(self, request: CreateSchema) -> SchemaRegistered:
        """Raises SchemaExists, also where one of that name was deleted."""
        async with self._commanding:
            self._refresh()
            if request.schema in self._schemas:
                raise SchemaExists(request.schema)
            details = {
                "format": request.format.name,
                "compatibility": request.compatibility.name,
                "description": request.description,
                "tags": dict(request.tags),
            }
            version = _new_version(1, request.definition)
            await self._write(request.schema, (CREATED, details), (REGISTERED, version))
        return SchemaRegistered(version["id"], 1)

    async def update(self, request: UpdateSchema) -> None:
        """Raises SchemaNotFound, and SchemaRefused for a detail that is none, or can't be changed."""
        async with self._commanding:
            self._to_change(request.schema)
            for name in request.mask:
                if name not in _FIELDS:
                    raise SchemaRefused(f"Unknown field {name} in update mask")
            new = {
                "compatibility": request.compatibility.name,
                "description": request.description,
                "tags": dict(request.tags),
            }
            asked = {name.removeprefix("details.") for name in request.mask}
            await self._write(request.schema, (CHANGED, {key: new[key] for key in new if key in asked}))

    async def delete(self, name: str) -> None:
        """Raises SchemaNotFound."""
        async with self._commanding:
            self._to_change(name)
            await self._write(name, (DELETED, {}))

    async def register(self, request: RegisterVersion) -> SchemaRegistered:
        """Raises SchemaNotFound, and SchemaRefused for what has not changed or is not compatible."""
        async with self._commanding:
            stored = self._to_change(request.schema)
            if stored.latest and stored.latest.definition == request.definition:
                raise SchemaRefused("Schema definition has not changed")
            if faults := stored.faults(request.definition):
                reasons = ", ".join(dict.fromkeys(fault.details for fault in faults))
                raise SchemaRefused(f"Schema definition is not compatible with the last version. {reasons}")
            version = _new_version(stored.last_number + 1, request.definition)
            await self._write(request.schema, (REGISTERED, version))
        return SchemaRegistered(version["id"], version["number"])

    async def delete_versions(self, request: DeleteVersions) -> tuple[int, ...]:
        """Return the numbers that there are no versions of. Raises SchemaNotFound."""
        async with self._commanding:
            stored = self._to_change(request.schema)
            known = [number for number in request.versions if number in stored.versions]
            if known:
                await self._write(request.schema, (VERSIONS_DELETED, {"versions": known}))
        return tuple(number for number in request.versions if number not in known)

    def get(self, name: str) -> Schema:
        """Raises SchemaNotFound."""
        return self._to_query(name).told()

    def list(self, request: ListSchemas) -> tuple[Schema, ...]:
        return tuple(stored.told() for stored in self._chosen(request.prefix, request.tags))

    def list_registered(self, request: ListRegistered) -> tuple[RegisteredSchema, ...]:
        """Return the latest versions, with their definitions as servers do whether they are asked for or not."""
        return tuple(
            RegisteredSchema(
                stored.name,
                latest.id,
                latest.number,
                latest.definition,
                stored.format,
                stored.compatibility,
                stored.tags,
                latest.registered_at,
            )
            for stored in self._chosen(request.prefix, request.tags)
            if (latest := stored.latest) and request.version_id in ("", latest.id)
        )

    def versions(self, request: ListVersions) -> tuple[SchemaVersion, ...]:
        """Raises SchemaNotFound."""
        found = tuple(self._to_query(request.schema).versions.values())
        if request.with_definitions:
            return found
        return tuple(SchemaVersion(v.id, v.number, b"", v.format, v.registered_at) for v in found)

    def version(self, request: GetVersion) -> SchemaVersion:
        """Raises SchemaNotFound, which names number 0 where the latest of no schema was asked for."""
        self._refresh()
        stored = self._schemas.get(request.schema)
        if not request.number:
            if stored is None or stored.is_deleted or stored.latest is None:
                raise SchemaNotFound("0", QUERIED_VERSION)
            return stored.latest
        found = stored.versions.get(request.number) if stored and not stored.is_deleted else None
        if found is None:
            raise SchemaNotFound(request.schema, QUERIED)
        return found

    def version_by_id(self, version_id: str) -> SchemaVersion:
        """Raises SchemaNotFound."""
        return self._with_version(version_id)[1]

    def name_of(self, version_id: str) -> str:
        """Raises SchemaNotFound."""
        return self._with_version(version_id)[0].name

    def check(self, request: CheckCompatibility) -> CompatibilityResult:
        """Raises SchemaNotFound, and HandlerFailed for what is no JSON schema."""
        if request.version_id:
            stored, _ = self._with_version(request.version_id)
        else:
            stored = self._to_query(request.schema)
        if request.format is not stored.format:
            text = f"The schema is {stored.format.name}, and the definition is {request.format.name}"
            mismatch = CompatibilityError(CompatibilityErrorKind.DATA_FORMAT_MISMATCH, text)
            return CompatibilityResult(errors=(mismatch,))
        faults = stored.faults(request.definition)
        return CompatibilityResult("" if faults or not stored.latest else stored.latest.id, faults)

    def _chosen(self, prefix: str, tags: Mapping[str, str]) -> Iterator[Stored]:
        self._refresh()
        for stored in self._schemas.values():
            if not stored.is_deleted and stored.name.startswith(prefix) and tags.items() <= stored.tags.items():
                yield stored

    def _to_query(self, name: str) -> Stored:
        self._refresh()
        stored = self._schemas.get(name)
        if stored is None or stored.is_deleted:
            raise SchemaNotFound(name, QUERIED)
        return stored

    def _to_change(self, name: str) -> Stored:
        """Return a schema that a command is about; servers tell of a deleted one by the name of its stream."""
        self._refresh()
        stored = self._schemas.get(name)
        if stored is None or stored.is_deleted:
            raise SchemaNotFound(f"schemas/{name}" if stored else name)
        return stored

    def _with_version(self, version_id: str) -> tuple[Stored, SchemaVersion]:
        for stored in self._chosen("", {}):
            for version in stored.versions.values():
                if version.id == version_id:
                    return stored, version
        raise SchemaNotFound(version_id, QUERIED_VERSION)

    async def _write(self, name: str, *changes: tuple[str, Mapping[str, Any]]) -> None:
        events = [
            ProposedEvent(uuid4(), event_type, json.dumps({"schema": name, **told}).encode())
            for event_type, told in changes
        ]
        await self._database.append(STREAM, ANY, events)
        self._refresh()

    def _refresh(self) -> None:
        """Take note of what was written since the last time, on whatever node."""
        try:
            is_end = False
            while not is_end:
                page = self._database.read_stream(STREAM, self._next)
                for record in page.records:
                    self._apply(record)
                self._next, is_end = page.next, page.is_end
        except (StreamNotFound, StreamDeleted):
            return

    def _apply(self, record: RecordedEvent) -> None:
        """Take note of a change. One that does not say what it is about is left out."""
        try:
            told: dict[str, Any] = json.loads(record.data)
            name = str(told["schema"])
            if record.type == CREATED:
                self._schemas[name] = Stored(name, SchemaFormat[told["format"]], record.created, record.created)
            _APPLY[record.type](self._schemas[name], told, record.created)
            self._schemas[name].updated = record.created
        except (ValueError, KeyError, TypeError, RecursionError):
            return


def _new_version(number: int, definition: bytes) -> dict[str, Any]:
    return {"id": str(uuid4()), "number": number, "definition": base64.b64encode(definition).decode()}


def _change(stored: Stored, told: Mapping[str, Any], _now: datetime) -> None:
    if "compatibility" in told:
        stored.compatibility = Compatibility[told["compatibility"]]
    stored.description = told.get("description", stored.description)
    stored.tags = told.get("tags", stored.tags)


def _register(stored: Stored, told: Mapping[str, Any], now: datetime) -> None:
    number, definition = told["number"], base64.b64decode(told["definition"])
    stored.versions[number] = SchemaVersion(told["id"], number, definition, stored.format, now)
    stored.last_number = number


def _delete_versions(stored: Stored, told: Mapping[str, Any], _now: datetime) -> None:
    for number in told["versions"]:
        stored.versions.pop(number, None)


def _delete(stored: Stored, _told: Mapping[str, Any], _now: datetime) -> None:
    stored.is_deleted = True


_APPLY = {
    CREATED: _change,
    CHANGED: _change,
    REGISTERED: _register,
    VERSIONS_DELETED: _delete_versions,
    DELETED: _delete,
}
