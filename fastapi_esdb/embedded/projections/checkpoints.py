"""The checkpoints of a projection: its position and state after a stop.

The states of partitions are written before the checkpoint itself, and states that were written after the last
checkpoint are ignored.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.handling import NO_STATE, ROOT, Partitions, PartitionState
from fastapi_esdb.embedded.projections.own_streams import (
    CHECKPOINT_TYPE,
    PARTITION_CHECKPOINT_TYPE,
    all_events,
    checkpoint_stream,
    delete_stream,
    events_backwards,
    own_event,
    partitions_stream,
)
from fastapi_esdb.embedded.projections.settings import Settings
from fastapi_esdb.embedded.projections.tags import Tag, read_tag, tagged
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import METADATA_TYPE, metastream_of
from fastapi_esdb.embedded.store.work import Breaks
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.revisions import ANY

LOOK_BACK = 32
"""Checkpoints of a partition that are searched for the last valid one."""


TOGETHER = 100
"""States of partitions that are written at the same time, so that they share a flush of the disk."""


class CheckpointDamaged(Exception):
    """Raised when the stream of the checkpoints has something else in it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A position, and the states at it."""

    tag: Tag
    partitions: Partitions


class Checkpoints:
    """Reads and writes the checkpoints of a projection."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    async def load(self, definition: Definition) -> Checkpoint:
        """Return the last checkpoint, or the beginning if there is none. Raises CheckpointDamaged."""
        for record in events_backwards(self._database, self._stream(ROOT), limit=1):
            tag = self._tag(record)
            if tag is not None:
                return Checkpoint(definition.fits(tag), await self._partitions(record, tag))
        return Checkpoint(definition.start, Partitions())

    async def save(self, tag: Tag, partitions: Partitions) -> None:
        """Write what has changed."""
        breaks = Breaks()
        changed = sorted(partitions.changed - {ROOT})
        for start in range(0, len(changed), TOGETHER):
            some = changed[start : start + TOGETHER]
            await asyncio.gather(
                *(self._save(PARTITION_CHECKPOINT_TYPE, tag, name, partitions.get(name)) for name in some)
            )
            await breaks.take()
        await self._limit_root()
        await self._save(CHECKPOINT_TYPE, tag, ROOT, partitions.get(ROOT))
        partitions.changed.clear()

    async def delete(self) -> None:
        """Delete all checkpoints, and the list of partitions."""
        breaks = Breaks()
        for partition in (*await self._known_partitions(), ROOT):
            await delete_stream(self._database, self._stream(partition))
            await breaks.take()
        await delete_stream(self._database, partitions_stream(self._settings.name))

    async def _partitions(self, root: RecordedEvent, tag: Tag) -> Partitions:
        state = _read_state(root)
        states = {} if state == NO_STATE else {ROOT: state}
        breaks = Breaks()
        for partition in await self._known_partitions():
            if known := self._partition_state(partition, tag):
                states[partition] = known
            await breaks.take()
        return Partitions(states)

    def _partition_state(self, partition: str, tag: Tag) -> PartitionState | None:
        for record in events_backwards(self._database, self._stream(partition), LOOK_BACK):
            written = self._tag(record)
            if written is not None and not written.is_after(tag):
                return _read_state(record)
        return None

    async def _known_partitions(self) -> list[str]:
        records = all_events(self._database, partitions_stream(self._settings.name))
        return [record.data.decode(errors="replace") async for record in records]

    def _tag(self, record: RecordedEvent) -> Tag | None:
        """Return the event's position, or `None` if it is another projection's, or from before a reset."""
        written = read_tag(record)
        if written is None or written[0].projection != self._settings.id or written[0].version < self._settings.epoch:
            return None
        return written[1]

    async def _save(self, event_type: str, tag: Tag, partition: str, state: PartitionState) -> None:
        data = f"[{state.state or 'null'},{state.result or 'null'}]"
        event = own_event(event_type, data, tagged(self._settings.writer, tag), JSON)
        await self._database.append(self._stream(partition), ANY, [event])

    async def _limit_root(self) -> None:
        """Limit the stream of root checkpoints, since only the last one counts."""
        stream = metastream_of(self._stream(ROOT))
        if self._database.metadata(self._stream(ROOT)).max_count is None:
            event = own_event(METADATA_TYPE, '{"$maxCount":2}', content_type=JSON)
            await self._database.append(stream, ANY, [event])

    def _stream(self, partition: str) -> str:
        return checkpoint_stream(self._settings.name, partition)


def _read_state(record: RecordedEvent) -> PartitionState:
    try:
        state, result = (_dump(value) for value in json.loads(record.data))
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointDamaged(f"there is no checkpoint in {record.revision}@{record.stream}: {error}") from error
    return PartitionState(state, result)


def _dump(value: object) -> str | None:
    """Return JSON as scripts write their states, so that an unchanged state has the same text."""
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
