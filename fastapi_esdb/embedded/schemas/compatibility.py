"""Compares JSON schemas as KurrentDB does: properties by name, their types, and which of them are required."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fastapi_esdb.wire.errors import HandlerFailed
from fastapi_esdb.wire.schemas.values import Compatibility, CompatibilityError, CompatibilityErrorKind

Kind = CompatibilityErrorKind

_TYPES = ("Array", "Boolean", "Integer", "Null", "Number", "Object", "String")
"""The types in the order in which servers name several."""

MISSING = "Required property in original schema is missing in new schema"
NEW = "New required property breaks backward compatibility - old data won't have this field"
NEW_TO_OLD = "Required property in new schema is missing in original schema"
TO_REQUIRED = "Property changed from optional to required, breaking backward compatibility"
CHANGED = "Property has incompatible type change"
ITEMS_CHANGED = "Array items have incompatible type change"
"""The texts of a real server, recorded or in its public sources."""

Faults = Iterator[CompatibilityError]


class JsonSchema:
    """A part of a JSON schema, its references resolved."""

    def __init__(self, root: Mapping[str, Any], part: Any) -> None:
        self._root = root
        self._part = _resolved(root, part)

    @classmethod
    def parse(cls, definition: bytes) -> JsonSchema:
        """Return the schema in a definition. Raises HandlerFailed where there is none, as servers do."""
        try:
            root = json.loads(definition)
        except (ValueError, RecursionError) as error:
            raise HandlerFailed(f"a definition is no JSON schema: {error}") from error
        return cls(root if isinstance(root, dict) else {}, root)

    @property
    def key(self) -> int:
        return id(self._part)

    @property
    def type(self) -> str:
        """Its types as a server names them."""
        told = self._part.get("type", ())
        names = (told,) if isinstance(told, str) else told
        return ", ".join(name for name in _TYPES if name.lower() in names) or "None"

    @property
    def properties(self) -> Mapping[str, JsonSchema]:
        found = self._part.get("properties")
        return {n: JsonSchema(self._root, p) for n, p in found.items()} if isinstance(found, dict) else {}

    @property
    def items(self) -> JsonSchema | None:
        found = self._part.get("items")
        return JsonSchema(self._root, found) if isinstance(found, dict) else None

    def requires(self, name: str) -> bool:
        required = self._part.get("required")
        return isinstance(required, list) and name in required


def _resolved(root: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    seen: set[str] = set()
    while isinstance(part, dict) and isinstance(reference := part.get("$ref"), str) and reference not in seen:
        seen.add(reference)
        part = root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                part = part.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


class Comparison:
    """Compares a new schema with an old one, in one direction. What holds itself is compared once."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def backward(self, old: JsonSchema, new: JsonSchema, path: str = "#") -> Faults:
        """Return what of the data of the old schema is unreadable with the new one."""
        if self._is_seen(old, new):
            return
        for name, was in old.properties.items():
            place, now = f"{path}/{name}", new.properties.get(name)
            if now is None:
                if old.requires(name):
                    yield CompatibilityError(Kind.MISSING_REQUIRED_PROPERTY, MISSING, place)
                continue
            yield from _types(was, now, place)
            if new.requires(name) and not old.requires(name):
                yield CompatibilityError(Kind.OPTIONAL_TO_REQUIRED, TO_REQUIRED, place)
            yield from self._nested(was, now, place, self.backward)
        for name in new.properties:
            if name not in old.properties and new.requires(name):
                yield CompatibilityError(Kind.NEW_REQUIRED_PROPERTY, NEW, f"{path}/{name}")

    def forward(self, new: JsonSchema, old: JsonSchema, path: str = "#") -> Faults:
        """Return what of the data of the new schema is unreadable with the old one."""
        if self._is_seen(new, old):
            return
        for name, now in new.properties.items():
            place, was = f"{path}/{name}", old.properties.get(name)
            if was is None:
                if new.requires(name):
                    yield CompatibilityError(Kind.NEW_REQUIRED_PROPERTY, NEW_TO_OLD, place)
                continue
            yield from _types(now, was, place)
            yield from self._nested(now, was, place, self.forward)
        for name in old.properties:
            if name not in new.properties and old.requires(name):
                yield CompatibilityError(Kind.REMOVED_PROPERTY, MISSING, f"{path}/{name}")

    def _nested(
        self, one: JsonSchema, other: JsonSchema, path: str, compare: Callable[[JsonSchema, JsonSchema, str], Faults]
    ) -> Faults:
        if one.type == other.type == "Object":
            yield from compare(one, other, path)
        items, others = one.items, other.items
        if one.type == other.type == "Array" and items and others:
            if not _are_compatible(items, others):
                kind = Kind.ARRAY_TYPE_INCOMPATIBILITY
                yield CompatibilityError(kind, ITEMS_CHANGED, path, items.type, others.type)
            if items.type == others.type == "Object":
                yield from compare(items, others, f"{path}/items")

    def _is_seen(self, one: JsonSchema, other: JsonSchema) -> bool:
        pair = one.key, other.key
        if pair in self._seen:
            return True
        self._seen.add(pair)
        return False


def _types(source: JsonSchema, target: JsonSchema, path: str) -> Faults:
    if not _are_compatible(source, target):
        yield CompatibilityError(Kind.INCOMPATIBLE_TYPE_CHANGE, CHANGED, path, source.type, target.type)


def _are_compatible(source: JsonSchema, target: JsonSchema) -> bool:
    while source.type == target.type == "Array":
        items, others = source.items, target.items
        if items is None or others is None:
            return items is others
        source, target = items, others
    return source.type == target.type


def backward(old: JsonSchema, new: JsonSchema) -> list[CompatibilityError]:
    return list(Comparison().backward(old, new))


def forward(old: JsonSchema, new: JsonSchema) -> list[CompatibilityError]:
    return list(Comparison().forward(new, old))


def full(old: JsonSchema, new: JsonSchema) -> list[CompatibilityError]:
    """In both directions; the second one is looked at if the first one holds."""
    return backward(old, new) or forward(old, new)


_MODES: dict[Compatibility, tuple[Callable[[JsonSchema, JsonSchema], list[CompatibilityError]], bool]] = {
    Compatibility.BACKWARD: (backward, False),
    Compatibility.FORWARD: (forward, False),
    Compatibility.FULL: (full, False),
    Compatibility.BACKWARD_ALL: (backward, True),
    Compatibility.FORWARD_ALL: (forward, True),
    Compatibility.FULL_ALL: (full, True),
}


def incompatibilities(mode: Compatibility, versions: Sequence[bytes], new: bytes) -> tuple[CompatibilityError, ...]:
    """Return what speaks against a definition that is to follow on these versions, the oldest first."""
    if mode not in _MODES or not versions:
        return ()
    compare, with_all = _MODES[mode]
    schema = JsonSchema.parse(new)
    compared = versions if with_all else versions[-1:]
    return tuple(fault for old in compared for fault in compare(JsonSchema.parse(old), schema))
