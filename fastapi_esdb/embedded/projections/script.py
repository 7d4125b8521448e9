"""A projection in JavaScript: its rules, in an engine of their own, which is QuickJS from the package `quickjs-ng`.

Nothing of Python is reachable from a script, and each call is limited in time and memory, so that a script can harm no
one but itself. The functions that it finds are in `prelude.js`.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi_esdb.embedded.projections.definition import checked_text, read_definition
from fastapi_esdb.embedded.projections.handling import (
    ROOT,
    Emitted,
    Handled,
    Partitions,
    PartitionState,
    SourceEvent,
    result_events,
)
from fastapi_esdb.embedded.projections.own_streams import PARTITION_TYPE, partitions_stream
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON

TIME_LIMIT = 1.0
"""Seconds of processor time that one call may take. A real server allows 0.25; here other threads count too."""

MEMORY_LIMIT = 128 * 1024 * 1024
STACK_LIMIT = 512 * 1024
"""Bytes."""

MISSING_ENGINE = (
    "projections and indexes in JavaScript need an engine where the server runs: pip install "
    "'fastapi-esdb[projections]'. The system projections, and the indexes of categories and types, work without one"
)

_PRELUDE = Path(__file__).with_name("prelude.js").read_text(encoding="utf-8")

log = logging.getLogger(__name__)

MAX_EMITTED = 16 * 1024 * 1024
"""Characters of JSON that all events emitted for one event may have together."""

Told = TypeVar("Told")


class ScriptFailed(Exception):
    """The script does not parse, threw an error, or went beyond its limits."""


def require_engine() -> Any:
    """Return the package of the engine. Raises InvalidArgument if it is not installed; most servers need none."""
    try:
        return importlib.import_module("quickjs")
    except ImportError as error:
        raise InvalidArgument(MISSING_ENGINE) from error


class Script:
    """A script that has been evaluated, after a `prelude` of ours. Used by one thread, the one that made it.

    Raises:
        ScriptFailed: it does not parse, or fails where it defines the projection.
        InvalidArgument: there is no JavaScript engine.
    """

    def __init__(self, source: str, *, prelude: str = _PRELUDE, time_limit: float | None = None) -> None:
        quickjs = require_engine()
        self._errors: tuple[type[Exception], ...] = (quickjs.JSException, ValueError)  # for lone surrogates and NULs
        self._context: Any = quickjs.Context()
        self._context.set_memory_limit(MEMORY_LIMIT)
        self._context.set_max_stack_size(STACK_LIMIT)
        self._context.set_time_limit(TIME_LIMIT if time_limit is None else time_limit)
        self._run: Any = self._context.eval(prelude)
        self._evaluate(source)

    def call(self, name: str, argument: str | None = None) -> str:
        """Call a function of the prelude and return its result, or an empty text. Raises ScriptFailed."""
        try:
            return self._run(name, argument) or ""
        except self._errors as error:
            raise ScriptFailed(_described(error)) from error

    def _evaluate(self, source: str) -> None:
        try:
            self._context.eval(source)
        except self._errors as error:
            raise ScriptFailed(_described(error)) from error


def _described(error: Exception) -> str:
    """Return the text of the engine, with our words in place of its own for the limits."""
    text = str(error).strip()
    if text.startswith("InternalError: interrupted"):
        return "the script took too long, and was stopped"
    if text in ("", "null") or text.startswith("InternalError: out of memory"):
        return f"the script used more than {MEMORY_LIMIT} bytes of memory"
    return text


class ScriptRules:
    """The rules of a script, made and called by one thread. Raises ScriptFailed, as its calls do; see `script.py`."""

    def __init__(self, name: str, source: str) -> None:
        self._script = Script(source)
        self._name = name
        self.definition = _understood(read_definition, self._script.call("seal"))
        self.partitions = Partitions()
        self._loaded: str | None = None

    def handle(self, event: SourceEvent) -> Handled:
        """Call the handler for the event, with the state of its partition."""
        partition = self._partition_of(event)
        if partition is None:
            return Handled(event)
        told = described(event, partition, self.definition.category)
        announced = self._enter(partition, told)
        outcome = _understood(read_outcome, self._call_handler(event, partition, told))
        for line in outcome.logged:
            log.info("projection %s: %s", self._name, line)
        return Handled(event, outcome.emitted, (*announced, *self._keep(partition, outcome)))

    def _partition_of(self, event: SourceEvent) -> str | None:
        if event.deleted is not None:
            return event.deleted
        if self.definition.by_stream:
            return event.stream
        if not self.definition.by_partition:
            return ROOT
        told = described(event, ROOT, self.definition.category)
        return _understood(_read_partition, self._script.call("partition", told))

    def _enter(self, partition: str, told: str) -> list[Emitted]:
        """Load the partition's state into the script. Return the event that announces a new partition."""
        if self._loaded is None and self.definition.shares_state:
            self._script.call("loadShared", self.partitions.get(ROOT).state)
        if partition == self._loaded:
            return []
        self._loaded, state = partition, self.partitions.get(partition).state
        self._script.call("load", state)
        if state is not None:
            return []
        self._script.call("create", told)
        is_known = partition == ROOT or partition in self.partitions
        return [] if is_known else [Emitted(partitions_stream(self._name), PARTITION_TYPE, partition)]

    def _call_handler(self, event: SourceEvent, partition: str, told: str) -> str:
        if event.deleted is not None:
            return self._script.call("delete", json.dumps(partition))
        return self._script.call("skip") if event.is_blank else self._script.call("handle", told)

    def _keep(self, partition: str, outcome: Outcome) -> list[Emitted]:
        """Keep the states. Return the events for a result that has changed."""
        before = self.partitions.get(partition)
        result = outcome.result if outcome.is_changed else before.result
        self.partitions.put(partition, PartitionState(outcome.state, result))
        if self.definition.shares_state:
            self.partitions.put(ROOT, PartitionState(outcome.shared))
        if result == before.result or not self.definition.outputs_state:
            return []
        return result_events(self.definition, self._name, partition, result)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a call of a handler, as JSON. `result` counts if the state `is_changed`."""

    state: str | None
    shared: str | None
    is_changed: bool
    result: str | None
    emitted: tuple[Emitted, ...]
    logged: tuple[str, ...]


def read_outcome(text: str) -> Outcome:
    """Return the outcome in the text of a script, which has a line for each part.

    Raises ScriptFailed where it is too much, ValueError and such for anything else.
    """
    state, shared, result, logged, *emitted = text.split("\n")
    size = sum(map(len, emitted))
    if size > MAX_EMITTED:
        raise ScriptFailed(f"the script emitted {size} characters for one event: they may be {MAX_EMITTED}")
    events = tuple(_emitted(**json.loads(event)) for event in emitted)
    return Outcome(_value(state), _value(shared), bool(result), _value(result), events, tuple(json.loads(logged)))


def _emitted(stream: object, type: object, is_json: object, metadata: object, data: object = "") -> Emitted:  # noqa: A002
    if not isinstance(metadata, dict):
        raise TypeError(f"metadata was due, not {metadata.__class__.__name__}")
    return Emitted(checked_text(stream), checked_text(type), checked_text(data), bool(is_json), metadata)


def _read_partition(text: str) -> str | None:
    partition: Any = json.loads(text)
    return None if partition is None else checked_text(partition)


def _understood(read: Callable[[str], Told], text: str) -> Told:
    """Return a script's value, which can be odd if it changed JavaScript's prototypes. Raises ScriptFailed."""
    try:
        return read(text)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ScriptFailed(f"the script told what can't be understood ({error})") from error


def described(event: SourceEvent, partition: str, category: str) -> str:
    """Return an event as JSON for a script, which parses the raw parts when a handler uses them."""
    record = event.record
    return json.dumps(
        {
            "bodyRaw": record.data.decode(errors="replace"),
            "category": category,
            "eventId": str(record.id),
            "eventType": record.type,
            "isJson": record.content_type == JSON,
            "linkMetadataRaw": record.original.metadata.decode(errors="replace"),
            "metadataRaw": record.metadata.decode(errors="replace"),
            "partition": partition,
            "sequenceNumber": record.revision,
            "streamId": record.stream,
        }
    )


def _value(line: str) -> str | None:
    return None if line in ("", "null") else line
