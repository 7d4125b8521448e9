"""The definition of a projection: what its source says about input and output."""

from __future__ import annotations

import json
from dataclasses import dataclass

from fastapi_esdb.embedded.projections.own_streams import result_stream
from fastapi_esdb.embedded.projections.tags import NO_REVISION, NOTHING_READ, Tag


@dataclass(frozen=True, slots=True)
class Definition:
    """The input of a projection, the partitions of its state, and its output.

    `streams` is empty for a projection of `$all`, and `types` is `None` where it wants events of every type. A category
    is read by the links in its stream (`$ce-…`), and `category` is what the handlers are told. `result_stream` and
    `partition_result_stream` (with `{0}` for the partition) are `None` for the usual names.
    """

    streams: tuple[str, ...] = ()
    types: frozenset[str] | None = None
    category: str = ""
    by_stream: bool = False
    by_partition: bool = False
    shares_state: bool = False
    handles_deleted: bool = False
    includes_links: bool = False
    outputs_state: bool = False
    result_stream: str | None = None
    partition_result_stream: str | None = None

    @property
    def start(self) -> Tag:
        """The position of a projection that has read nothing."""
        if self.streams:
            return Tag(streams=dict.fromkeys(self.streams, NO_REVISION))
        return Tag(NOTHING_READ, dict.fromkeys(sorted(self.types or ()), NO_REVISION))

    def wants(self, event_type: str) -> bool:
        """Return whether its handlers take events of this type."""
        return self.types is None or event_type in self.types

    def fits(self, tag: Tag) -> Tag:
        """Return the position to continue from, after one of an earlier source, which may have read other streams."""
        start = self.start
        if self.streams:
            return Tag(streams={stream: tag.streams.get(stream, NO_REVISION) for stream in self.streams})
        return Tag(tag.position or start.position, start.streams)

    def results_of(self, name: str, partition: str = "") -> str:
        """The stream of the results of the projection with this name, or of one of its partitions."""
        if partition:
            pattern = self.partition_result_stream
            return result_stream(name, partition) if pattern is None else pattern.replace("{0}", partition)
        return self.result_stream or result_stream(name)


def read_definition(text: str) -> Definition:
    """The definition that a script told in JSON; see `prelude.js`. Raises ValueError and such for anything else."""
    told = json.loads(text)
    types = told.pop("types")
    streams = tuple(dict.fromkeys(map(checked_text, told.pop("streams"))))
    for name in ("result_stream", "partition_result_stream"):
        if told[name] is not None:
            checked_text(told[name])
    checked_text(told["category"])
    return Definition(streams=streams, types=None if types is None else frozenset(map(checked_text, types)), **told)


def checked_text(value: object) -> str:
    """A text of a script. Raises TypeError where it is none, and ValueError where it can't be stored."""
    if not isinstance(value, str):
        raise TypeError(f"a text was due, not {type(value).__name__}")
    value.encode()  # lone surrogates have no bytes
    return value
