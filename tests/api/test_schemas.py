"""The registry of schemas, as an app uses it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fastapi_esdb import (
    AccessDenied,
    Compatibility,
    CompatibilityError,
    CompatibilityErrorKind,
    CompatibilityResult,
    Connection,
    EsdbSettings,
    EventTypes,
    InvalidArgument,
    NewEvent,
    NotSupported,
    SchemaExists,
    SchemaFormat,
    SchemaNotFound,
    SchemaRefused,
    StreamAppend,
    connect,
)
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.testing import assert_registry_compatible
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethod, SupportedMethods
from tests.support.fake_server import FakeServer, message_of, replies
from tests.support.secure import JANE, as_admin
from tests.support.target import own_server
from tests.support.waiting import PATIENCE

pytestmark = own_server

Kind = CompatibilityErrorKind


def schema(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
ORDER = schema("id", id=STRING, cents=INTEGER)


async def test_the_life_of_a_schema(esdb: Connection) -> None:
    """Created, described, changed and deleted; its name can't be used again."""
    first = await esdb.schemas.create("Order", ORDER, description="d", tags={"team": "x"})
    assert first.version == 1
    found = await esdb.schemas.get("Order")
    assert (found.format, found.compatibility, found.latest_version) == (
        SchemaFormat.JSON,
        Compatibility.BACKWARD,
        1,
    )
    assert (found.description, found.tags) == ("d", {"team": "x"})
    with pytest.raises(SchemaExists, match="'Order'"):
        await esdb.schemas.create("Order", ORDER)
    await esdb.schemas.update("Order", description="", tags={"k": "v"}, compatibility=Compatibility.FULL)
    found = await esdb.schemas.get("Order")
    assert (found.description, found.tags, found.compatibility) == ("", {"k": "v"}, Compatibility.FULL)
    assert await esdb.schemas.list("Or") == await esdb.schemas.list(tags={"k": "v"}) == (found,)
    assert await esdb.schemas.list("x") == await esdb.schemas.list(tags={"k": "w"}) == ()
    await esdb.schemas.delete("Order")
    for call in (esdb.schemas.get("Order"), esdb.schemas.delete("Order"), esdb.schemas.versions("Order")):
        with pytest.raises(SchemaNotFound, match="Order"):
            await call
    with pytest.raises(SchemaExists):
        await esdb.schemas.create("Order", ORDER)


async def test_versions(esdb: Connection) -> None:
    """They are numbered, found by number and by id, listed, and deleted one by one."""
    first = await esdb.schemas.create("Order", b"one", format=SchemaFormat.PROTOBUF)
    second = await esdb.schemas.add_version("Order", "two")
    assert (second.version, await esdb.schemas.name_of(second.version_id)) == (2, "Order")
    with pytest.raises(SchemaRefused, match="has not changed"):
        await esdb.schemas.add_version("Order", "two")
    assert (await esdb.schemas.version("Order")).definition == b"two"
    assert await esdb.schemas.version("Order", 1) == await esdb.schemas.version_by_id(first.version_id)
    assert [v.definition for v in await esdb.schemas.versions("Order")] == [b"", b""]
    assert [v.definition for v in await esdb.schemas.versions("Order", with_definitions=True)] == [b"one", b"two"]
    [latest] = await esdb.schemas.latest("Order")
    assert (latest.version_id, latest.definition) == (second.version_id, b"two")
    assert await esdb.schemas.delete_versions("Order", [1, 7]) == (7,)
    assert [v.number for v in await esdb.schemas.versions("Order")] == [2]
    for call in (esdb.schemas.version("Order", 1), esdb.schemas.version_by_id("none"), esdb.schemas.name_of("none")):
        with pytest.raises(SchemaNotFound):
            await call


async def compared(esdb: Connection, mode: Compatibility, *versions: dict[str, Any]) -> list[tuple[Kind, str]]:
    """What speaks against the last of the versions after the others, which are taken whatever they are."""
    name = f"S-{mode.name}"
    await esdb.schemas.create(name, versions[0], compatibility=Compatibility.NONE)
    for version in versions[1:-1]:
        await esdb.schemas.add_version(name, version)
    await esdb.schemas.update(name, compatibility=mode)
    result = await esdb.schemas.compare(name, versions[-1])
    assert bool(result) is result.is_compatible
    if result.is_compatible:
        assert result.version_id == (await esdb.schemas.version(name)).id
        await esdb.schemas.add_version(name, versions[-1])
    else:
        with pytest.raises(SchemaRefused, match="not compatible"):
            await esdb.schemas.add_version(name, versions[-1])
    return [(error.kind, error.path) for error in result.errors]


BACK, FORTH, FULL = Compatibility.BACKWARD, Compatibility.FORWARD, Compatibility.FULL
BACK_ALL, FORTH_ALL, FULL_ALL = Compatibility.BACKWARD_ALL, Compatibility.FORWARD_ALL, Compatibility.FULL_ALL

A, AB, A_B, NONE = (
    schema("a", a=STRING),
    schema("a", a=STRING, b=STRING),
    schema("a", "b", a=STRING, b=STRING),
    schema(),
)
NESTED = schema(o=A, l={"type": "array", "items": A}, n={"type": "array", "items": STRING})
CHANGED = schema(o=A_B, l={"type": "array", "items": NONE}, n={"type": "array", "items": INTEGER})


@pytest.mark.parametrize(
    ("mode", "versions", "errors"),
    [
        (BACK, (A, AB), []),
        (BACK, (AB, A_B), [(Kind.OPTIONAL_TO_REQUIRED, "#/b")]),
        (BACK, (A, A_B), [(Kind.NEW_REQUIRED_PROPERTY, "#/b")]),
        (BACK, (A, NONE), [(Kind.MISSING_REQUIRED_PROPERTY, "#/a")]),
        (BACK, (A, schema(a=INTEGER)), [(Kind.INCOMPATIBLE_TYPE_CHANGE, "#/a")]),
        (
            BACK,
            (NESTED, CHANGED),
            [
                (Kind.MISSING_REQUIRED_PROPERTY, "#/l/items/a"),
                (Kind.INCOMPATIBLE_TYPE_CHANGE, "#/n"),
                (Kind.ARRAY_TYPE_INCOMPATIBILITY, "#/n"),
                (Kind.NEW_REQUIRED_PROPERTY, "#/o/b"),
            ],
        ),
        (FORTH, (AB, A_B), []),
        (FORTH, (A, A_B), [(Kind.NEW_REQUIRED_PROPERTY, "#/b")]),
        (FORTH, (A_B, A), [(Kind.REMOVED_PROPERTY, "#/b")]),
        (FULL, (A, AB), []),
        (FULL, (A, NONE), [(Kind.MISSING_REQUIRED_PROPERTY, "#/a")]),
        (BACK, (A, NONE, schema(a=INTEGER)), []),
        (BACK_ALL, (A, NONE, schema(a=INTEGER)), [(Kind.INCOMPATIBLE_TYPE_CHANGE, "#/a")]),
        (FORTH_ALL, (A, NONE, schema(a=INTEGER)), [(Kind.INCOMPATIBLE_TYPE_CHANGE, "#/a")]),
        (FULL_ALL, (A, NONE, schema(b=STRING)), [(Kind.MISSING_REQUIRED_PROPERTY, "#/a")]),
        (Compatibility.NONE, (A, schema(a=INTEGER)), []),
    ],
)
async def test_what_a_version_may_become(
    esdb: Connection, mode: Compatibility, versions: tuple[dict[str, Any], ...], errors: list[tuple[Kind, str]]
) -> None:
    """Each kind of error, in each mode; and what is not compatible is not registered."""
    assert await compared(esdb, mode, *versions) == errors


async def test_references(esdb: Connection) -> None:
    """They are followed, also where a type holds itself."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "n": INTEGER}}
    changed = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "n": STRING}}
    await esdb.schemas.create("Node", {"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    result = await esdb.schemas.compare("Node", {"$ref": "#/$defs/Node", "$defs": {"Node": changed}})
    details = "Property has incompatible type change"
    assert result.errors == (CompatibilityError(Kind.INCOMPATIBLE_TYPE_CHANGE, details, "#/n", "Integer", "String"),)


async def test_the_schemas_of_event_types(esdb: Connection) -> None:
    """They are registered under the names of the types, again only where they have changed, and checked before."""
    types, later, broken = EventTypes[Any](), EventTypes[Any](), EventTypes[Any]()
    types("OrderPlaced")(dataclass("Placed", id=str))
    later("OrderPlaced")(dataclass("Placed", id=str, note=(str, "")))
    broken("OrderPlaced")(dataclass("Placed", id=int))
    assert await esdb.schemas.check(types) == {}
    registered = await esdb.schemas.register(types)
    assert await esdb.schemas.register(types) == registered
    assert await esdb.schemas.check(later) == {}
    assert (await esdb.schemas.register(later)).keys() == registered.keys()
    assert [v.number for v in await esdb.schemas.versions("OrderPlaced")] == [1, 2]
    [(name, result)] = (await esdb.schemas.check(broken)).items()
    assert (name, [error.kind for error in result.errors]) == ("OrderPlaced", [Kind.INCOMPATIBLE_TYPE_CHANGE])
    with pytest.raises(SchemaRefused):
        await esdb.schemas.register(broken)
    await assert_registry_compatible(later, esdb)
    with pytest.raises(AssertionError, match=r"OrderPlaced: #/id: .* type change: was String, is Integer"):
        await assert_registry_compatible(broken, esdb)


async def test_several_processes_register_at_the_same_time(esdb: Connection) -> None:
    """One of them adds the schema, or its version, and all get the same ids."""
    types, later = EventTypes[Any](), EventTypes[Any]()
    types("OrderPlaced")(dataclass("Placed", id=str))
    later("OrderPlaced")(dataclass("Placed", id=str, note=(str, "")))
    for number, events in enumerate((types, later), 1):
        first, *others = await asyncio.gather(*(esdb.schemas.register(events) for _ in range(4)))
        assert others == [first] * 3
        assert (await esdb.schemas.version("OrderPlaced")).number == number


async def test_a_type_whose_versions_were_deleted_is_registered_again(esdb: Connection) -> None:
    """It gets a version; the name of a schema that was deleted as a whole can't be used any more."""
    types = EventTypes[Any]()
    types("OrderPlaced")(dataclass("Placed", id=str))
    await esdb.schemas.register(types)
    await esdb.schemas.delete_versions("OrderPlaced", [1])
    await esdb.schemas.register(types)
    assert [version.number for version in await esdb.schemas.versions("OrderPlaced")] == [2]
    await esdb.schemas.delete("OrderPlaced")
    with pytest.raises(SchemaExists, match="there was one"):
        await esdb.schemas.register(types)


async def test_a_refusal_names_the_schema(esdb: Connection) -> None:
    """An app has many event types."""
    types, broken = EventTypes[Any](), EventTypes[Any]()
    types("OrderPlaced")(dataclass("Placed", id=str))
    broken("OrderPlaced")(dataclass("Placed", id=int))
    await esdb.schemas.register(types)
    with pytest.raises(SchemaRefused, match=r"the registry refused 'OrderPlaced': .* not compatible"):
        await esdb.schemas.register(broken)


async def test_versions_that_there_are_none_of(esdb: Connection) -> None:
    """The error says which version of what was looked for."""
    await esdb.schemas.create("Order", ORDER)
    with pytest.raises(SchemaNotFound, match="the registry has no version of 'Order' with the number 9"):
        await esdb.schemas.version("Order", 9)
    with pytest.raises(SchemaNotFound, match="the registry has no version of 'Other' at all"):
        await esdb.schemas.version("Other")


async def test_other_formats(esdb: Connection) -> None:
    """Definitions in them are not compared; one in another format than the schema's is no version of it."""
    await esdb.schemas.create("Order", "syntax = 'proto3';", format=SchemaFormat.PROTOBUF)
    assert (await esdb.schemas.compare("Order", b"other", format=SchemaFormat.PROTOBUF)).is_compatible
    [error] = (await esdb.schemas.compare("Order", ORDER)).errors
    assert error.kind is Kind.DATA_FORMAT_MISMATCH
    for call in (esdb.schemas.create("Text", "no JSON"), esdb.schemas.compare("Order", "no JSON")):
        with pytest.raises(InvalidArgument, match="definition is no JSON"):
            await call


async def test_what_are_no_event_types(esdb: Connection) -> None:
    """A class of events is an easy mistake: all types are registered together."""
    wrongs: list[Any] = [dataclass("Placed", id=str), [], {"OrderPlaced": {}}, None]
    for wrong in wrongs:
        for call in (esdb.schemas.register, esdb.schemas.check, esdb.schemas.attach):
            with pytest.raises(InvalidArgument, match="types must be EventTypes, as in register"):
                await call(wrong)


async def schema_ids(esdb: Connection, stream: str) -> list[str | None]:
    metadata = [event.json_metadata() async for event in esdb.read(stream)]
    return [(found or {}).get("$schema.id") for found in metadata]


async def test_appends_name_the_versions_of_schemas(esdb: Connection) -> None:
    """Those that have a place for it, of all who share the connection, once an app asks for it."""
    types, placed = EventTypes[Any](), dataclass("Placed", id=str)
    types("OrderPlaced")(placed)
    ids = await esdb.schemas.register(types)
    await esdb.append_records([("s", placed(id="1"))])
    assert await esdb.schemas.register(types, attach=True) == ids
    await esdb.append_records([("s", placed(id="2")), ("s", NewEvent("Other", {}))])
    await esdb.bound(timeout=PATIENCE).append_streams([StreamAppend("s", placed(id="3"))])
    await esdb.append("s", placed(id="4"))
    found = await schema_ids(esdb, "s")
    assert found == [None, ids["OrderPlaced"], None, ids["OrderPlaced"], None]
    assert await esdb.schemas.name_of(str(found[1])) == "OrderPlaced"


async def test_an_app_that_is_not_the_newest(esdb: Connection) -> None:
    """It names the version that it knows, even if a later one is registered; one that nobody registered is refused."""
    types, later, other = EventTypes[Any](), EventTypes[Any](), EventTypes[Any]()
    placed, newer = dataclass("Placed", id=str), dataclass("Placed", id=str, note=(str, ""))
    types("OrderPlaced")(placed)
    later("OrderPlaced")(newer)
    with pytest.raises(SchemaNotFound, match="no schema 'OrderPlaced'"):
        await esdb.schemas.attach(types)
    first = await esdb.schemas.register(types)
    with pytest.raises(SchemaNotFound, match="no version of 'OrderPlaced' that is as the type is here: register it"):
        await esdb.schemas.attach(later)
    second = await esdb.schemas.register(later)
    other("OrderPlaced")(dataclass("Placed", id=int))
    await esdb.append_records([("s", placed(id="1"))])
    assert (await esdb.schemas.attach(types), await esdb.schemas.attach(later)) == (first, second)
    with pytest.raises(SchemaNotFound):
        await esdb.schemas.attach(other)
    await esdb.append_records([("s", newer(id="2"))])
    await esdb.schemas.attach(types)
    await esdb.append_records([("s", placed(id="3"))])
    assert await schema_ids(esdb, "s") == [None, second["OrderPlaced"], first["OrderPlaced"]]


async def test_another_database_has_other_versions() -> None:
    """They are forgotten when a connection goes to other hosts, and kept while it stays."""
    types, placed = EventTypes[Any](), dataclass("Placed", id=str)
    types("OrderPlaced")(placed)
    async with EmbeddedServer() as server, EmbeddedServer() as other, connect(server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        ids = await esdb.schemas.register(types, attach=True)
        await esdb.pool.reconfigure(EsdbSettings(connection_string=f"{server.connection_string}&keepAliveTimeout=9000"))
        await esdb.append_records([("s", placed(id="1"))])
        assert await schema_ids(esdb, "s") == [ids["OrderPlaced"]]
        await esdb.pool.reconfigure(EsdbSettings(connection_string=other.connection_string))
        await esdb.append_records([("s", placed(id="2"))])
        assert await schema_ids(esdb, "s") == [None]


def dataclass(name: str, **fields: Any) -> type[Any]:
    from dataclasses import field, make_dataclass

    made = [(n, f) if isinstance(f, type) else (n, f[0], field(default=f[1])) for n, f in fields.items()]
    return make_dataclass(name, made)


async def test_after_a_restart() -> None:
    """The registry is as it was."""
    server = EmbeddedServer()
    for run in range(2):
        async with server, connect(server.connection_string) as esdb:
            await esdb.wait_connected(PATIENCE)
            if run == 0:
                await esdb.schemas.create("Order", ORDER, tags={"a": "b"})
                await esdb.schemas.create("Gone", ORDER)
                await esdb.schemas.delete("Gone")
            [found] = await esdb.schemas.list()
            assert (found.name, found.tags) == ("Order", {"a": "b"})
            assert json.loads((await esdb.schemas.version("Order")).definition) == ORDER


async def test_who_may() -> None:
    """Every user, and nobody without credentials."""
    async with as_admin() as esdb:
        await esdb.schemas.create("Order", ORDER, credentials=JANE)
        assert await esdb.schemas.list(credentials=JANE)
    async with EmbeddedServer(secure=True) as server, connect(server.connection_string) as nobody:
        with pytest.raises(AccessDenied):
            await nobody.schemas.list()


async def test_a_server_without_a_registry() -> None:
    """The error says which version brings it."""
    async with FakeServer() as server:
        own = SupportedMethod(SUPPORTED_METHODS.service.lower(), SUPPORTED_METHODS.name.lower())
        told = SupportedMethods("24.6.0", (own,))
        server.on(SUPPORTED_METHODS, replies(message_of(SUPPORTED_METHODS, told)))
        async with connect(server.connection_string) as esdb:
            with pytest.raises(NotSupported, match=r"ListSchemas; servers have it from 25\.1 on"):
                await esdb.schemas.list()


async def test_arguments_that_cannot_be(esdb: Connection) -> None:
    """They are refused before they are sent."""
    for call in (
        esdb.schemas.create("with space", ORDER),
        esdb.schemas.create("Order", b""),
        esdb.schemas.create("Order", ORDER, compatibility=Compatibility.UNKNOWN),
        esdb.schemas.update("Order"),
        esdb.schemas.version("Order", 0),
        esdb.schemas.get(""),
    ):
        with pytest.raises(InvalidArgument):
            await call
    assert CompatibilityResult().is_compatible
    assert CompatibilityResult()
