"""The registry of schemas: what events look like, in versions, and what a version may become."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Unpack
from uuid import UUID

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import ConnectionPart, Options, write
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.errors import InvalidArgument, NoAnswer, SchemaExists, SchemaNotFound, SchemaRefused
from fastapi_esdb.wire.errors.unreadable import quoted
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

if TYPE_CHECKING:
    from collections.abc import Sequence

Definition = bytes | str | Mapping[str, Any]
"""The definition of a schema: its text, or a JSON schema as an object."""


LOOKS, PAUSE = 5, 0.1
"""How often what others have just registered is looked for, and the seconds in between."""


class TypesWithSchemas(Protocol):
    """Event types that tell their JSON schemas, as `EventTypes` do."""

    def json_schema(self) -> Mapping[str, Mapping[str, Any]]:
        """Return an entry for each type, with its `schema` if there is one."""
        ...


class Schemas(ConnectionPart):
    """The server's registry of schemas, from 25.1 on; older servers raise `NotSupported`.

    Every call takes the `Options` that all calls take. Beside what all calls raise there are `InvalidArgument`,
    `SchemaNotFound`, `SchemaExists`, `SchemaRefused` (a version that is not compatible, or has not changed), and
    `OutcomeUnknown` where the answer is lost. What was just written may take the server a moment to show.
    """

    async def create(
        self,
        name: str,
        definition: Definition,
        *,
        compatibility: Compatibility = Compatibility.BACKWARD,
        format: SchemaFormat = SchemaFormat.JSON,  # noqa: A002  the protocol's name for it
        description: str = "",
        tags: Mapping[str, str] | None = None,
        **options: Unpack[Options],
    ) -> SchemaRegistered:
        """Add a schema, and return its first version. Names consist of letters, digits and `_ . $ : -`."""
        request = CreateSchema(
            _name(name),
            _definition(definition, format),
            format,
            _compatibility(compatibility),
            arguments.text_or_empty(description, "description"),
            _tags(tags),
        )
        return await write(self._carrier, CREATE_SCHEMA, request, name, CallOptions.of(**options))

    async def update(
        self,
        name: str,
        *,
        compatibility: Compatibility | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Change what is given of a schema's details. Its format stays."""
        changes = {"compatibility": compatibility, "description": description, "tags": tags}
        mask = tuple(f"details.{field}" for field, value in changes.items() if value is not None)
        if not mask:
            raise InvalidArgument("nothing is to be changed: give a compatibility, a description or tags")
        mode = Compatibility.UNKNOWN if compatibility is None else _compatibility(compatibility)
        text = arguments.text_or_empty(description or "", "description")
        request = UpdateSchema(_name(name), mask, mode, text, _tags(tags))
        await write(self._carrier, UPDATE_SCHEMA, request, name, CallOptions.of(**options))

    async def delete(self, name: str, **options: Unpack[Options]) -> None:
        """Remove a schema with all its versions; its name can't be used again."""
        await write(self._carrier, DELETE_SCHEMA, SchemaName(_name(name)), name, CallOptions.of(**options))

    async def get(self, name: str, **options: Unpack[Options]) -> Schema:
        """Return a schema."""
        return await self._carrier.call(GET_SCHEMA, SchemaName(_name(name)), CallOptions.of(**options))

    async def list(
        self, prefix: str = "", *, tags: Mapping[str, str] | None = None, **options: Unpack[Options]
    ) -> tuple[Schema, ...]:
        """Return the schemas whose names begin with `prefix` and that have all of `tags`."""
        request = ListSchemas(arguments.text_or_empty(prefix, "prefix"), _tags(tags))
        return await self._carrier.call(LIST_SCHEMAS, request, CallOptions.of(**options))

    async def latest(
        self, prefix: str = "", *, tags: Mapping[str, str] | None = None, **options: Unpack[Options]
    ) -> tuple[RegisteredSchema, ...]:
        """Return the same schemas, each with its latest version and the definition of that."""
        request = ListRegistered("", arguments.text_or_empty(prefix, "prefix"), _tags(tags), with_definitions=True)
        return await self._carrier.call(LIST_REGISTERED, request, CallOptions.of(**options))

    async def add_version(self, name: str, definition: Definition, **options: Unpack[Options]) -> SchemaRegistered:
        """Add a version to a schema. Raises `SchemaRefused` where it is not compatible, or the latest one already."""
        request = RegisterVersion(_name(name), _definition(definition))
        return await write(self._carrier, REGISTER_VERSION, request, name, CallOptions.of(**options))

    async def delete_versions(self, name: str, versions: Iterable[int], **options: Unpack[Options]) -> tuple[int, ...]:
        """Remove versions by their numbers. Returns those that could not be removed."""
        numbers = tuple(_number(number) for number in arguments.instance(versions, Iterable, "versions"))
        request = DeleteVersions(_name(name), numbers)
        return await write(self._carrier, DELETE_VERSIONS, request, name, CallOptions.of(**options))

    async def version(self, name: str, number: int | None = None, **options: Unpack[Options]) -> SchemaVersion:
        """Return the latest version of a schema, or the one with that number. Raises `SchemaNotFound`."""
        request = GetVersion(_name(name), None if number is None else _number(number))
        try:
            return await self._carrier.call(GET_VERSION, request, CallOptions.of(**options))
        except SchemaNotFound as error:  # servers name a schema that there is, or version 0
            error.schema, error.kind = name, "SchemaVersion"
            error.wanted = "at all" if number is None else f"with the number {number}"
            raise

    async def version_by_id(self, version_id: str, **options: Unpack[Options]) -> SchemaVersion:
        """Return a version by its id."""
        return await self._carrier.call(GET_VERSION_BY_ID, _id(version_id), CallOptions.of(**options))

    async def versions(
        self, name: str, *, with_definitions: bool = False, **options: Unpack[Options]
    ) -> tuple[SchemaVersion, ...]:
        """Return all versions of a schema, the oldest first."""
        request = ListVersions(_name(name), arguments.instance(with_definitions, bool, "with_definitions"))
        return await self._carrier.call(LIST_VERSIONS, request, CallOptions.of(**options))

    async def name_of(self, version_id: str, **options: Unpack[Options]) -> str:
        """Return the name of the schema that a version belongs to."""
        return await self._carrier.call(LOOKUP_SCHEMA_NAME, _id(version_id), CallOptions.of(**options))

    async def compare(
        self,
        name: str,
        definition: Definition,
        *,
        format: SchemaFormat = SchemaFormat.JSON,  # noqa: A002  the protocol's name for it
        **options: Unpack[Options],
    ) -> CompatibilityResult:
        """Return whether a definition could be the next version of a schema and, if not, each reason.

        `format` is that of the definition: another one than the schema's is a reason, too.
        """
        request = CheckCompatibility(_definition(definition, format), _name(name), format=format)
        return await self._carrier.call(CHECK_COMPATIBILITY, request, CallOptions.of(**options))

    async def register(
        self,
        types: TypesWithSchemas,
        *,
        compatibility: Compatibility = Compatibility.BACKWARD,
        attach: bool = False,
        **options: Unpack[Options],
    ) -> Mapping[str, str]:
        """Register the JSON schemas of event types under their names: new ones, and a version where one has changed.

        Returns the id of each one's latest version. New schemas get that `compatibility`. Several processes may do this
        at the same time. Raises `SchemaRefused` for a change that is not compatible; what comes before it in the order
        of the names is registered then. With `attach`, appends name these versions, as after the method of that name.
        """
        mode = _compatibility(compatibility)
        attaches = arguments.instance(attach, bool, "attach")
        ids = {name: await self._register(name, text, mode, options) for name, text in _schemas_of(types).items()}
        if attaches:
            self._attach(ids)
        return ids

    async def attach(self, types: TypesWithSchemas, **options: Unpack[Options]) -> Mapping[str, str]:
        """Have appends name the versions that the JSON schemas of event types are registered as; return their ids.

        That goes for all who share the connection: from now on `append_records`, `append_streams` and appends that are
        grouped carry the id for events of these types, and readers find it in the metadata as `$schema.id`. Appends of
        other kinds have no place for it. Nothing is registered: `SchemaNotFound` is raised, and nothing attached, if
        the registry has a type not at all or not as it is here. Its version need not be the latest one.
        """
        ids = {name: await self._id_of(name, text, options) for name, text in _schemas_of(types).items()}
        self._attach(ids)
        return ids

    async def check(self, types: TypesWithSchemas, **options: Unpack[Options]) -> Mapping[str, CompatibilityResult]:
        """Return what the registry has against the JSON schemas of event types, by name; nothing where all would do.

        One that is not registered yet would do.
        """
        found = {name: await self._checked(name, text, options) for name, text in _schemas_of(types).items()}
        return {name: result for name, result in found.items() if not result.is_compatible}

    async def _register(self, name: str, definition: bytes, mode: Compatibility, options: Options) -> str:
        latest = await self._latest(name, options)
        if latest and latest.definition == definition:
            return latest.id
        try:
            if latest is None:
                return await self._create(name, definition, mode, options)
            return (await self.add_version(name, definition, **options)).version_id
        except SchemaRefused:
            if registered := await self._by_others(name, definition, options):
                return registered
            raise

    async def _create(self, name: str, definition: bytes, mode: Compatibility, options: Options) -> str:
        try:
            return (await self.create(name, definition, compatibility=mode, **options)).version_id
        except SchemaExists as error:  # since just now, or without a version, or it was deleted
            try:
                return (await self.add_version(name, definition, **options)).version_id
            except SchemaNotFound:
                raise error from None

    async def _by_others(self, name: str, definition: bytes, options: Options) -> str | None:
        """Return the id of what another process has registered meanwhile, which servers may show a little later."""
        for attempt in range(LOOKS):
            await asyncio.sleep(PAUSE if attempt else 0)
            latest = await self._latest(name, options)
            if latest and latest.definition == definition:
                return latest.id
        return None

    async def _latest(self, name: str, options: Options) -> SchemaVersion | None:
        try:
            return await self.version(name, **options)
        except SchemaNotFound:
            return None

    async def _id_of(self, name: str, definition: bytes, options: Options) -> str:
        for version in reversed(await self.versions(name, with_definitions=True, **options)):
            if version.definition == definition:
                return version.id
        raise SchemaNotFound(name, "SchemaVersion", "that is as the type is here: register it first")

    def _attach(self, ids: Mapping[str, str]) -> None:
        self._carrier.schema_ids.update({name: _uuid(version_id) for name, version_id in ids.items()})

    async def _checked(self, name: str, definition: bytes, options: Options) -> CompatibilityResult:
        try:
            return await self.compare(name, definition, **options)
        except SchemaNotFound:
            return CompatibilityResult()


def _schemas_of(types: TypesWithSchemas) -> Mapping[str, bytes]:
    if isinstance(types, type) or not callable(getattr(types, "json_schema", None)):
        raise InvalidArgument(f"types must be EventTypes, as in register(events), not {quoted(types)}")
    entries = types.json_schema()
    return {name: _definition(entry["schema"]) for name, entry in entries.items() if "schema" in entry}


def _name(name: str) -> str:
    if not SCHEMA_NAME.fullmatch(arguments.text(name, "name")):
        raise InvalidArgument(f"name {name!r} must consist of letters, digits and _ . $ : -")
    return name


def _definition(definition: Definition, form: SchemaFormat | None = None) -> bytes:
    match definition:
        case bytes() | bytearray():
            found = bytes(definition)
        case str():
            found = definition.encode()
        case Mapping():
            found = json.dumps(definition, sort_keys=True, ensure_ascii=False).encode()
        case _:
            raise InvalidArgument(f"definition must be bytes, str or a mapping, not {type(definition).__name__}")
    if not found:
        raise InvalidArgument("definition must not be empty")
    if form is not None and arguments.instance(form, SchemaFormat, "format") is SchemaFormat.JSON:
        _check_json(found)
    return found


def _check_json(definition: bytes) -> None:
    """Servers take anything, and fail with each further version."""
    try:
        json.loads(definition)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"definition is no JSON, which the format SchemaFormat.JSON asks for: {error}") from None


def _compatibility(mode: Compatibility) -> Compatibility:
    if arguments.instance(mode, Compatibility, "compatibility") is Compatibility.UNKNOWN:
        raise InvalidArgument("compatibility must be one of the modes that are known here")
    return mode


def _tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    found: Mapping[str, str] = {} if tags is None else arguments.instance(tags, Mapping, "tags")
    pairs: Sequence[tuple[str, str]] = list(found.items())
    return {arguments.text(key, "tags"): arguments.text_or_empty(value, "tags") for key, value in pairs}


def _number(number: int) -> int:
    return arguments.whole_number(number, "the number of a version", least=1, most=arguments.INT32)


def _uuid(version_id: str) -> UUID:
    try:
        return UUID(version_id)
    except ValueError:
        raise NoAnswer(f"the id of a version is no UUID: {quoted(version_id)}") from None


def _id(version_id: str) -> VersionId:
    return VersionId(arguments.text(version_id, "version_id"))
