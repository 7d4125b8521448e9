"""Whether what was written by one JSON schema can be read by another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
SAME = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding")
"""What a reader may ask for only if the writer keeps to the very same."""


@dataclass(frozen=True)
class Reading:
    """Compares two schemas, each complete: what `reader` does not take of all that `writer` may have written.

    `defaults_are_written` says that the writer leaves out no field that has a default: true of an app that runs now,
    not of all that was stored, since the field may be younger than the event. Where this can't tell, it is a fault.
    """

    reader: Schema
    writer: Schema
    defaults_are_written: bool
    _open: set[tuple[str, str]] = field(default_factory=set)
    """The pairs of references that are being compared: of classes that hold themselves."""

    def faults(self) -> list[str]:
        """Return what can't be read, each with its place; nothing where all of it can."""
        return self._faults(self.reader, self.writer, "")

    def _faults(self, reads: Any, writes: Any, path: str) -> list[str]:
        """Compare two parts. Both may be references; a pair that is being compared already is taken for readable."""
        pair = str(reads), str(writes)
        if pair in self._open:
            return []
        self._open.add(pair)
        try:
            return list(self._of_parts(_resolved(reads, self.reader), _resolved(writes, self.writer), path))
        finally:
            self._open.discard(pair)

    def _of_parts(self, reads: Schema, writes: Schema, path: str) -> Iterator[str]:
        if reads == writes and "$ref" not in str(reads):
            return
        several = _alternatives(writes)
        if several:
            for one in several:
                yield from self._faults(reads, one, path)
            return
        choices = _alternatives(reads)
        if choices:
            if all(self._faults(choice, writes, path) for choice in choices):
                yield f"{path or 'all of it'}: {_kind(writes)} is none of what can be read"
            return
        yield from self._of_one_kind(reads, writes, path)

    def _of_one_kind(self, reads: Schema, writes: Schema, path: str) -> Iterator[str]:
        where = path or "all of it"
        unknown = _types(writes) - _types(reads) if _types(reads) else set()
        if unknown or (_types(reads) and not _types(writes) and not _values(writes)):
            yield f"{where}: {_kind(writes)} can't be read as {_kind(reads)}"
            return
        allowed, written = _values(reads), _values(writes)
        if allowed and not (written and all(value in allowed for value in written)):
            yield f"{where}: not all of its values can be read"
        for key in (*LEAST, *MOST, *SAME):
            if key in reads and not _is_within(key, reads[key], writes.get(key)):
                yield f"{where}: {key} is stricter"
        yield from self._of_object(reads, writes, path)
        yield from self._of_array(reads, writes, path)

    def _of_object(self, reads: Schema, writes: Schema, path: str) -> Iterator[str]:
        read, written = reads.get("properties", {}), writes.get("properties", {})
        for name in reads.get("required", ()):
            if not self._is_always_written(name, writes):
                yield f"{_at(path, name)}: is required, and may be missing"
        rest = reads.get("additionalProperties", True)
        for name, schema in written.items():
            if name in read:
                yield from self._faults(read[name], schema, _at(path, name))
            elif rest is False:
                yield f"{_at(path, name)}: is not known, and no other fields are allowed"
            elif isinstance(rest, Mapping):
                yield from self._faults(rest, schema, _at(path, name))
        others = writes.get("additionalProperties")
        if isinstance(rest, Mapping) and others is not None and others is not False:
            yield from self._faults(rest, {} if others is True else others, f"{path}[…]")

    def _is_always_written(self, name: str, writes: Schema) -> bool:
        if name in writes.get("required", ()):
            return True
        return self.defaults_are_written and "default" in writes.get("properties", {}).get(name, {})

    def _of_array(self, reads: Schema, writes: Schema, path: str) -> Iterator[str]:
        read, written = reads.get("prefixItems", []), writes.get("prefixItems", [])
        for number, (one, other) in enumerate(zip(read, written, strict=False)):
            yield from self._faults(one, other, f"{path}[{number}]")
        if "items" in reads and reads["items"] is not False:
            for other in (*written[len(read) :], *([writes["items"]] if "items" in writes else [])):
                yield from self._faults(reads["items"], other, f"{path}[]")


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _resolved(schema: Any, whole: Schema) -> Schema:
    """Return the schema that is meant: that of a reference, and `{}`, which takes everything, for `true`."""
    while isinstance(schema, Mapping) and ("$ref" in schema or len(schema.get("allOf", ())) == 1):
        schema = _definition(schema["$ref"], whole) if "$ref" in schema else schema["allOf"][0]
    return schema if isinstance(schema, Mapping) else {}


def _definition(reference: str, whole: Schema) -> Any:
    found: Any = whole
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf") or schema.get("oneOf") or ())


def _types(schema: Schema) -> set[str]:
    """Return the names of JSON's types; a number may be whole."""
    given = schema.get("type", ())
    found = {given} if isinstance(given, str) else set(given)
    return found | {"integer"} if "number" in found else found


def _values(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _kind(schema: Schema) -> str:
    return " or ".join(sorted(_types(schema) - ({"integer"} if "number" in _types(schema) else set()))) or "anything"


def _is_within(key: str, wanted: Any, kept: Any) -> bool:
    """Return whether a writer that keeps to one limit is within the other."""
    if key in LEAST and kept is not None:
        return bool(kept >= wanted)
    if key in MOST and kept is not None:
        return bool(kept <= wanted)
    return bool(wanted == kept)
