"""The rules of a user's projection: the handlers of a script, called for each event in turn."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi_esdb.embedded.projections.definition import checked_text, read_definition
from fastapi_esdb.embedded.projections.events import SourceEvent
from fastapi_esdb.embedded.projections.handling import Emitted, Handled
from fastapi_esdb.embedded.projections.names import PARTITION_TYPE, partitions_stream
from fastapi_esdb.embedded.projections.partitions import ROOT, Partitions, PartitionState
from fastapi_esdb.embedded.projections.results import result_events
from fastapi_esdb.embedded.projections.script import Script, ScriptFailed
from fastapi_esdb.wire.events.content import JSON

log = logging.getLogger(__name__)

MAX_EMITTED = 16 * 1024 * 1024
"""Characters of JSON that all events emitted for one event may have together."""

Told = TypeVar("Told")


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
