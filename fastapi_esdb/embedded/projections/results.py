"""The events with the results of a projection."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.handling import Emitted
from fastapi_esdb.embedded.projections.names import END_TYPE, RESULT_REMOVED_TYPE, RESULT_TYPE
from fastapi_esdb.embedded.projections.partitions import Partitions
from fastapi_esdb.wire.events.values import LINK_TYPE


def result_events(definition: Definition, name: str, partition: str, result: str | None) -> list[Emitted]:
    """Return the events for a new result, or for its end; for a partition also a link in the stream of all results."""
    stream = definition.results_of(name, partition)
    told = result_event(stream, result)
    if not partition:
        return [told]
    return [told, Emitted(definition.results_of(name), LINK_TYPE, links_last_of=stream)]


def final_events(definition: Definition, name: str, partitions: Partitions) -> Iterator[Emitted]:
    """Return the events with the results of a query that has ended."""
    stream = definition.results_of(name)
    for _, state in sorted(partitions.states.items()):
        if state.result is not None:
            yield result_event(stream, state.result)
    yield Emitted(stream, END_TYPE, is_json=True)


def result_event(stream: str, result: str | None) -> Emitted:
    if result is None:
        return Emitted(stream, RESULT_REMOVED_TYPE, is_json=True)
    return Emitted(stream, RESULT_TYPE, result, is_json=True)
