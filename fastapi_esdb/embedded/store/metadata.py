"""A stream's metadata: the last event of its metastream, as the server understands it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi_esdb.wire.revisions import MAX_REVISION

SOFT_DELETED = MAX_REVISION
"""The `$tb` that says that a stream is soft-deleted."""

MAX_METADATA = 256 * 1024
"""Bytes of metadata that are read, which takes some milliseconds, in which nobody else has a turn.

A stream can't have more; of an event more counts as none.
"""

_MAX_SECONDS = 922_337_203_685
"""The longest time span that a server can express, in seconds: 2^63 - 1 ticks of 100 ns."""


@dataclass(frozen=True, slots=True)
class Acl:
    """The rights to a stream: names of users and roles, or `None` for the default of the system."""

    read: tuple[str, ...] | None = None
    write: tuple[str, ...] | None = None
    delete: tuple[str, ...] | None = None
    meta_read: tuple[str, ...] | None = None
    meta_write: tuple[str, ...] | None = None


NO_ACL = Acl()


@dataclass(frozen=True, slots=True)
class StreamMetadata:
    """The keys of the metadata that a server acts on, `None` where they are not set.

    `max_age` and `cache_control` are seconds; `truncate_before` is the first readable revision.
    """

    max_count: int | None = None
    max_age: int | None = None
    truncate_before: int | None = None
    cache_control: int | None = None
    acl: Acl | None = None

    @property
    def is_soft_deleted(self) -> bool:
        return self.truncate_before == SOFT_DELETED


NO_METADATA = StreamMetadata()
METASTREAM_METADATA = StreamMetadata(max_count=1)
"""Metastreams have no metadata of their own and keep their last event only (protocol 2.10)."""


def parse_metadata(data: bytes) -> StreamMetadata:
    """Read a metadata event. What is malformed in any part counts as no metadata at all (protocol 2.10)."""
    try:
        return _from_json(_json_object(data))
    except (ValueError, RecursionError):
        return NO_METADATA


def event_metadata(data: bytes) -> dict[str, Any]:
    """The metadata of an event, empty where there is none, it is no JSON object, or it is too large to be read."""
    try:
        return _json_object(data) if 0 < len(data) <= MAX_METADATA else {}
    except (ValueError, RecursionError):
        return {}


def parse_default_acls(data: bytes) -> tuple[Acl, Acl]:
    """The access lists in an event of `$settings`: of users' streams, and of the system's (protocol 2.11)."""
    try:
        keys = _json_object(data)
        of_users, of_system = (keys.get(key, {}) for key in ("$userStreamAcl", "$systemStreamAcl"))
        return _acl(of_users), _acl(of_system)
    except (ValueError, RecursionError):
        return NO_ACL, NO_ACL


def soft_delete_metadata() -> bytes:
    """The metadata that soft-deletes a stream: it replaces all there was (protocol 2.9)."""
    return _dump({"$tb": SOFT_DELETED})


def truncated_before(data: bytes, revision: int) -> bytes | None:
    """The same metadata with another `$tb`; `None` where it is no JSON object."""
    try:
        return _dump({**_json_object(data), "$tb": revision})
    except (ValueError, RecursionError):
        return None


def _dump(keys: Mapping[str, Any]) -> bytes:
    return json.dumps(keys, separators=(",", ":")).encode()


def _json_object(data: bytes) -> dict[str, Any]:
    parsed = json.loads(data.decode())
    if not isinstance(parsed, dict):
        raise ValueError("metadata is a JSON object")
    return parsed


def _from_json(keys: Mapping[str, Any]) -> StreamMetadata:
    return StreamMetadata(
        max_count=_integer(keys, "$maxCount", 1, MAX_REVISION),
        max_age=_integer(keys, "$maxAge", 1, _MAX_SECONDS),
        truncate_before=_integer(keys, "$tb", 0, MAX_REVISION),
        cache_control=_integer(keys, "$cacheControl", 1, _MAX_SECONDS),
        acl=_acl(keys["$acl"]) if "$acl" in keys else None,
    )


def _integer(keys: Mapping[str, Any], key: str, low: int, high: int) -> int | None:
    value = keys.get(key, low)
    if type(value) is not int or not low <= value <= high:  # bool is an int for isinstance
        raise ValueError(f"{key} is an integer from {low} to {high}")
    return value if key in keys else None


def _acl(value: object) -> Acl:
    if not isinstance(value, dict):
        raise ValueError("$acl is an object")
    return Acl(*(_names(value[key]) if key in value else None for key in ("$r", "$w", "$d", "$mr", "$mw")))


def _names(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("a role is a name or a list of names")
    return tuple(names)
