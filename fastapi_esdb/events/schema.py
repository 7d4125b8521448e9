"""The JSON schemas of event types, and what a change of them breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from fastapi_esdb.events.compatibility import Reading
from fastapi_esdb.events.event_type import EventType
from fastapi_esdb.wire.errors import InvalidArgument

Schemas = dict[str, Any]
"""What `EventTypes.json_schema` returns: for each name `version`, `schema`, `reads` and the names of `formerly`."""


def schemas_of(types: Mapping[str, EventType]) -> Schemas:
    """Return the schemas by name, in the order of the names."""
    return {name: _entry(types[name]) for name in sorted(types)}


def _entry(found: EventType) -> dict[str, Any]:
    entry: dict[str, Any] = {"version": found.version}
    if found.formerly:
        entry["formerly"] = list(found.formerly)
    written, read = found.codec.json_schema("written"), found.codec.json_schema("read")
    if written is not None:
        entry["schema"] = written
    if read is not None and read != written:
        entry["reads"] = read
    return entry


def committed_in(path: Path) -> Schemas:
    """Return the schemas in a file. Raises `InvalidArgument` where it holds something else, and `OSError`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    entries = found.values() if isinstance(found, dict) else [None]
    if all(isinstance(entry, dict) and isinstance(entry.get("version"), int) for entry in entries):
        return cast("Schemas", found)
    raise InvalidArgument(f"{path} holds no schemas of event types: `python -m fastapi_esdb.events` writes them")


def broken(old: Schemas, new: Schemas, retired: frozenset[str] = frozenset()) -> list[str]:
    """Return what can't be read any more after a change from one to the other; nothing where all can.

    While a version stays, the events of it that are stored must be read by the app, and those that the app writes by
    whoever knows only the old schema. A new version needs no more than its upcast. A name that is gone must be a
    former one of another type, or retired.
    """
    still_read = {*new, *retired, *(name for entry in new.values() for name in entry.get("formerly", ()))}
    gone = [
        f"{name}: is gone, and its events are stored: register what it is now" for name in old if name not in still_read
    ]
    return gone + [fault for name in old if name in new for fault in _of_one(name, old[name], new[name])]


def _of_one(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if new["version"] < old["version"]:
        yield f"{name}: is of version {new['version']}, and events of version {old['version']} are stored"
    if new["version"] != old["version"] or not ("schema" in old and "schema" in new):
        return
    for fault in Reading(_reads(new), old["schema"], defaults_are_written=False).faults():
        yield f"{name}: stored events can't be read: {fault}"
    for fault in Reading(_reads(old), new["schema"], defaults_are_written=True).faults():
        yield f"{name}: new events can't be read with the old schema: {fault}"


def _reads(entry: Mapping[str, Any]) -> Any:
    return entry.get("reads", entry["schema"])
