"""The functions of an index, in the engine of projections: see `embedded/projections/script.py`."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

from fastapi_esdb.embedded.projections.script import Script, ScriptFailed
from fastapi_esdb.embedded.store.storage import position_of
from fastapi_esdb.wire.admin.indexes import WRONG_FILTER, WRONG_SELECTOR, Index, IndexField, IndexFieldType
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent

Value = str | int | float | None
"""The value of an event in an index, of the type of the index's field; `None` in one without a field."""

_PRELUDE = Path(__file__).with_name("prelude.js").read_text(encoding="utf-8")

_FORMATS = {True: 1, False: 4}
"""JSON or bytes, by the numbers that functions get."""

_KINDS: dict[IndexFieldType, type[str | int | float]] = {
    IndexFieldType.STRING: str,
    IndexFieldType.DOUBLE: float,
    IndexFieldType.INT_32: int,
    IndexFieldType.INT_64: int,
}

log = logging.getLogger(__name__)


class IndexedRecord(NamedTuple):
    """A record that belongs into an index, by its position."""

    position: int
    value: Value


class IndexScript:
    """The functions of an index. Used by one thread, the one that made it.

    Raises InvalidArgument where one of them is no function of one argument, and without a JavaScript engine.
    """

    def __init__(self, index: Index) -> None:
        self._name = index.name
        self._field = index.fields[0] if index.fields else None
        self._script = Script("", prelude=_PRELUDE)
        self._sequence = 0
        self._level = logging.WARNING
        """That of the next event that makes a function fail: the first one is enough to notice it."""
        if index.filter:
            self._define("filter", index.filter, WRONG_FILTER)
        if self._field:
            self._define("selector", self._field.selector, WRONG_SELECTOR)
            self._script.call("type", self._field.type.name)

    def chosen(self, records: Iterable[RecordedEvent], interrupted: threading.Event) -> list[IndexedRecord]:
        """Return those of the records that belong into the index, each with its value.

        One that makes a function fail is left out. Returns early when interrupted, with what nobody wants any more.
        """
        found = []
        for record in records:
            if interrupted.is_set():
                break
            self._sequence += 1
            if entry := self._entry(record):
                found.append(IndexedRecord(position_of(record), value_of(self._field, entry[1:])))
        return found

    def _define(self, name: str, source: str, mistake: str) -> None:
        try:
            self._script.call(name, source)
        except ScriptFailed as error:
            raise InvalidArgument(mistake) from error

    def _entry(self, record: RecordedEvent) -> str:
        try:
            return self._script.call("entry", described(record, self._sequence))
        except ScriptFailed as error:
            level, self._level = self._level, logging.INFO
            log.log(level, "index %s leaves out %s@%s: %s", self._name, record.revision, record.stream, error)
            return ""


def described(record: RecordedEvent, sequence: int) -> str:
    """Return a record as JSON for the functions, which parse the raw parts when they use them."""
    is_json = record.content_type == JSON
    return json.dumps(
        {
            "id": str(record.id),
            "sequence": sequence,
            "redacted": False,
            "timestamp": record.created.astimezone(UTC).isoformat(timespec="milliseconds"),
            "schema": {"name": record.type, "format": _FORMATS[is_json], "id": None},
            "position": {
                "stream": record.stream,
                "streamRevision": record.revision,
                "logPosition": position_of(record),
            },
            "isJson": is_json,
            "dataRaw": record.data.decode(errors="replace"),
            "propertiesRaw": record.metadata.decode(errors="replace"),
        }
    )


def value_of(field: IndexField | None, text: str) -> Value:
    """Return the value in a text. Raises ValueError where it is none of the type of the field."""
    if field is None:
        return None
    if "_" in text and field.type is not IndexFieldType.STRING:
        raise ValueError(text)  # which Python would take for a number
    return _KINDS[field.type](text)
