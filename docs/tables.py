"""The pages of the reference that are made from the code: `python docs/tables.py` writes them anew.

The tests fail while a page is not what this makes of it.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

from pydantic.fields import FieldInfo

from fastapi_esdb import EsdbSettings, connect
from fastapi_esdb.connection.http2.limits import Limits
from fastapi_esdb.connection.http2.transport import LIMITS
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.services.admin import NEWER
from fastapi_esdb.settings.kinds import as_text
from fastapi_esdb.settings.options import OPTIONS, Option
from fastapi_esdb.wire.admin import indexes, operations, users
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.admin.monitoring import STATS
from fastapi_esdb.wire.groups import methods as groups
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.projections import methods as projections
from fastapi_esdb.wire.schemas import methods as schemas
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION

REFERENCE = Path(__file__).parent / "reference"

GROUPS, PROJECTIONS, USERS, OPERATIONS = "persistent_subscriptions", "projections", "users", "operations"
INDEXES, SCHEMAS = "indexes", "schemas"

OFFERED: dict[Method[Any, Any], tuple[str, ...]] = {
    READ: ("read", "read_all", "subscribe", "subscribe_all", "get_metadata"),
    APPEND: ("append", "set_metadata", "set_default_acl"),
    BATCH_APPEND: ("append", "set_metadata", "set_default_acl"),
    DELETE: ("delete",),
    TOMBSTONE: ("tombstone",),
    APPEND_SESSION: ("append_streams",),
    APPEND_RECORDS: ("append_records", "append"),
    schemas.CREATE_SCHEMA: (f"{SCHEMAS}.create", f"{SCHEMAS}.register"),
    schemas.UPDATE_SCHEMA: (f"{SCHEMAS}.update",),
    schemas.DELETE_SCHEMA: (f"{SCHEMAS}.delete",),
    schemas.GET_SCHEMA: (f"{SCHEMAS}.get",),
    schemas.LIST_SCHEMAS: (f"{SCHEMAS}.list",),
    schemas.LOOKUP_SCHEMA_NAME: (f"{SCHEMAS}.name_of",),
    schemas.REGISTER_VERSION: (f"{SCHEMAS}.add_version", f"{SCHEMAS}.register"),
    schemas.DELETE_VERSIONS: (f"{SCHEMAS}.delete_versions",),
    schemas.GET_VERSION: (f"{SCHEMAS}.version", f"{SCHEMAS}.register"),
    schemas.GET_VERSION_BY_ID: (f"{SCHEMAS}.version_by_id",),
    schemas.LIST_VERSIONS: (f"{SCHEMAS}.versions",),
    schemas.LIST_REGISTERED: (f"{SCHEMAS}.latest",),
    schemas.CHECK_COMPATIBILITY: (f"{SCHEMAS}.compare", f"{SCHEMAS}.check"),
    indexes.CREATE_INDEX: (f"{INDEXES}.create",),
    indexes.START_INDEX: (f"{INDEXES}.start",),
    indexes.STOP_INDEX: (f"{INDEXES}.stop",),
    indexes.DELETE_INDEX: (f"{INDEXES}.delete",),
    indexes.LIST_INDEXES: (f"{INDEXES}.list",),
    indexes.GET_INDEX: (f"{INDEXES}.get", f"{INDEXES}.list"),
    groups.CREATE_GROUP: (f"{GROUPS}.create",),
    groups.UPDATE_GROUP: (f"{GROUPS}.update",),
    groups.DELETE_GROUP: (f"{GROUPS}.delete",),
    groups.READ_GROUP: (f"{GROUPS}.consume",),
    groups.GROUP_INFO: (f"{GROUPS}.info",),
    groups.REPLAY_PARKED: (f"{GROUPS}.replay_parked",),
    groups.TRUNCATE_PARKED: (f"{GROUPS}.truncate_parked",),
    groups.LIST_GROUPS: (f"{GROUPS}.list",),
    groups.RESTART_GROUPS: (f"{GROUPS}.restart",),
    projections.CREATE_PROJECTION: tuple(f"{PROJECTIONS}.create{kind}" for kind in ("", "_transient", "_one_time")),
    projections.UPDATE_PROJECTION: (f"{PROJECTIONS}.update",),
    projections.DELETE_PROJECTION: (f"{PROJECTIONS}.delete",),
    projections.PROJECTION_STATISTICS: (f"{PROJECTIONS}.statistics", f"{PROJECTIONS}.list"),
    projections.DISABLE_PROJECTION: (f"{PROJECTIONS}.disable", f"{PROJECTIONS}.abort"),
    projections.ENABLE_PROJECTION: (f"{PROJECTIONS}.enable",),
    projections.RESET_PROJECTION: (f"{PROJECTIONS}.reset",),
    projections.PROJECTION_STATE: (f"{PROJECTIONS}.state",),
    projections.PROJECTION_RESULT: (f"{PROJECTIONS}.result",),
    projections.RESTART_PROJECTIONS: (f"{PROJECTIONS}.restart",),
    users.CREATE_USER: (f"{USERS}.create",),
    users.UPDATE_USER: (f"{USERS}.update",),
    users.DELETE_USER: (f"{USERS}.delete",),
    users.DISABLE_USER: (f"{USERS}.disable",),
    users.ENABLE_USER: (f"{USERS}.enable",),
    users.USER_DETAILS: (f"{USERS}.details", f"{USERS}.list"),
    users.CHANGE_PASSWORD: (f"{USERS}.change_password",),
    users.RESET_PASSWORD: (f"{USERS}.reset_password",),
    operations.START_SCAVENGE: (f"{OPERATIONS}.start_scavenge",),
    operations.STOP_SCAVENGE: (f"{OPERATIONS}.stop_scavenge",),
    operations.SHUTDOWN: (f"{OPERATIONS}.shutdown",),
    operations.MERGE_INDEXES: (f"{OPERATIONS}.merge_indexes",),
    operations.RESIGN_NODE: (f"{OPERATIONS}.resign_node",),
    operations.SET_NODE_PRIORITY: (f"{OPERATIONS}.set_node_priority",),
    operations.RESTART_PERSISTENT_SUBSCRIPTIONS: (f"{OPERATIONS}.restart_persistent_subscriptions",),
    GOSSIP: ("cluster.members",),
    STATS: ("stats",),
    SUPPORTED_METHODS: ("ping", "server_version", "cluster.supported_methods"),
}
"""The names in `Connection` that make each call."""

MADE = re.compile("(<!-- made: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
"""A part of a page that is made: between two comments."""


def pages() -> dict[Path, str]:
    """Each page with such a part, as it should be."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md"))}
    return {path: MADE.sub(_made, text) for path, text in found.items() if MADE.search(text)}


def _made(part: re.Match[str]) -> str:
    return f"{part[1]}\n{PARTS[part['name']]()}\n\n{part[3]}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settings_table() -> str:
    """The settings that are no options of the connection string."""
    options = {option.field for option in OPTIONS}
    own = {name: field for name, field in EsdbSettings.model_fields.items() if name not in options}
    meanings = docstrings(EsdbSettings)
    rows = ([named(n, f"ESDB_{n.upper()}"), default_of(f), meanings[n]] for n, f in own.items())
    return table(["Setting, and its variable", "Default", "Meaning"], rows)


def named(*names: str) -> str:
    """The names of one thing below each other, to leave room for what it means."""
    return "<br>".join(f"`{name}`" for name in names)


def docstrings(cls: type) -> dict[str, str]:
    """Return the docstring of each attribute of a class. Pydantic could tell, but every import would pay for that."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(cls)).body if isinstance(node, ast.ClassDef))
    found = ((above, below) for above, below in pairwise(body) if isinstance(above, ast.AnnAssign))
    return {ast.unparse(above.target): _text_of(below) for above, below in found}


def _text_of(node: ast.stmt) -> str:
    match node:
        case ast.Expr(ast.Constant(str(text))):
            return inspect.cleandoc(text)
    return ""


def default_of(field: FieldInfo) -> str:
    others = {name: other.default for name, other in EsdbSettings.model_fields.items()}
    return shown(field.get_default(call_default_factory=True, validated_data=others))


def shown(value: object) -> str:
    """A value as it is written in the environment; nothing for none."""
    return "" if value is None else f"`{as_text(value)}`"


PLACES = ("code", "the environment", "`.env`")


def precedence_table() -> str:
    """For each place of a connection string: what is taken of the settings that complete it, as trials have it."""
    rows = ([f"in {string}", *(taken(string, place) for place in PLACES)] for string in PLACES)
    return table(["Connection string", *(f"settings in {place}" for place in PLACES)], rows)


def taken(string: str, place: str) -> str:
    """Return whether a setting in one place counts beside a string in another."""
    with tempfile.TemporaryDirectory() as folder:
        values: dict[str, dict[str, str]] = {place: {} for place in PLACES}
        values[string]["connection_string"] = "esdb://localhost"
        values[place]["connection_name"] = "taken"
        file = Path(folder, ".env")
        file.write_text("".join(f"ESDB_{name}={value}\n" for name, value in values["`.env`"].items()))
        environment = {f"ESDB_{name}".upper(): value for name, value in values["the environment"].items()}
        with mock.patch.dict(os.environ, environment), quiet():
            for name in ("connection_string", "connection_name"):
                if name not in values["the environment"]:
                    os.environ.pop(f"ESDB_{name}".upper(), None)
            settings = EsdbSettings(_env_file=file, **values["code"])
    return "count" if settings.target.options.connection_name else "are left out"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings about what is left out from the one who makes the pages."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def options_table() -> str:
    rows = ([named(o.name, o.env), taken_by(o), shown(o.default), o.description] for o in OPTIONS)
    return table(["Option, and its variable", "Takes", "Default", "Meaning"], rows)


def taken_by(option: Option) -> str:
    if not option.unit:
        return option.kind.accepts
    return f"{option.unit}, or -1 for off" if "-1" in option.kind.accepts else option.unit


def limits_table() -> str:
    """What a server may do over our own HTTP/2, in numbers."""
    meanings = docstrings(Limits)
    rows = ([meanings[field.name], f"{getattr(LIMITS, field.name):,}"] for field in fields(Limits))
    return table(["What", "At most"], rows)


def protocol_tables() -> str:
    """One table a service."""
    return "\n\n".join(map(service_table, dict.fromkeys(method.service for method in all_methods())))


def service_table(service: str) -> str:
    rows = map(row, (method for method in all_methods() if method.service == service))
    head = ["Call", "Shape", "Writes", "Since", "Client", "Embedded"]
    return f"## {service.rpartition('.')[2]}\n\n`{service}`\n\n{table(head, rows)}"


def row(method: Method[Any, Any]) -> list[str]:
    writes = "yes" if method.writes else "no"
    embedded = "yes" if (method.service.lower(), method.name.lower()) in served() else "–"
    offered = ", ".join(map(broken_at_dots, OFFERED.get(method, ()))) or "–"
    return [method.name, method.shape.value, writes, method.since, offered, embedded]


def broken_at_dots(name: str) -> str:
    """A name that may go on in the next line behind a dot."""
    return f"<code>{name.replace('.', '.<wbr>')}</code>"


@cache
def served() -> set[tuple[str, str]]:
    """The calls of an embedded server with users, by service and name in lower case.

    It tells of those that the version has which it announces, and has newer ones, too.
    """
    return asyncio.run(_served())


async def _served() -> set[tuple[str, str]]:
    async with EmbeddedServer(secure=True) as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected()
        told = {(method.service, method.name) for method in (await esdb.cluster.supported_methods()).methods}
    return told | {(method.service.lower(), method.name.lower()) for method in NEWER}


PARTS = {
    "settings": settings_table,
    "precedence": precedence_table,
    "options": options_table,
    "limits": limits_table,
    "protocol": protocol_tables,
}


def main() -> None:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
