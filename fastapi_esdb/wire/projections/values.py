"""Requests to the Projections service, and its answers, as plain values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi_esdb.wire.codec.json_values import Json


class ProjectionMode(enum.StrEnum):
    """The mode in which a projection runs. The values are the names in statistics."""

    ONE_TIME = "OneTime"
    """Once, up to the last event that exists when it starts; the server chooses the name."""
    TRANSIENT = "Transient"
    """As long as somebody queries it; it is gone after a restart."""
    CONTINUOUS = "Continuous"
    """For ever, with checkpoints."""


@dataclass(frozen=True, slots=True)
class CreateProjection:
    """A projection to create and start. `query` is JavaScript; a one-time projection has no `name`.

    With `emit_enabled` a continuous projection may write events, and with `track_emitted_streams` it remembers to which
    streams, so that they can be deleted together with it. `engine_version` is for servers from 26.1 on: 0 and 1 are the
    usual engine, 2 is the new one, which cannot track streams. `properties` are JSON, the metadata of the event that
    tells of the projection; servers up to 26.1.1 ignore them.
    """

    query: str
    name: str = ""
    mode: ProjectionMode = ProjectionMode.CONTINUOUS
    emit_enabled: bool = False
    track_emitted_streams: bool = False
    engine_version: int = 0
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpdateProjection:
    """A new query for a projection, and `properties` of the change. If `emit_enabled` is `None`, it stays as it was."""

    name: str
    query: str
    emit_enabled: bool | None = None
    properties: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeleteProjection:
    """A stopped or faulted projection to delete, and those of its streams to delete with it.

    Emitted streams are deleted if the projection has tracked them.
    """

    name: str
    delete_emitted_streams: bool = False
    delete_state_stream: bool = False
    delete_checkpoint_stream: bool = False


@dataclass(frozen=True, slots=True)
class EnableProjection:
    """A stopped or faulted projection to start."""

    name: str


@dataclass(frozen=True, slots=True)
class DisableProjection:
    """A projection to stop, after it has written a checkpoint or else at once."""

    name: str
    write_checkpoint: bool = True


@dataclass(frozen=True, slots=True)
class ResetProjection:
    """A projection to restart without its state. Servers ignore `write_checkpoint`."""

    name: str
    write_checkpoint: bool = False


@dataclass(frozen=True, slots=True)
class StateRequest:
    """The projection to return the state of or, as a request of Result, the result.

    `partition` is empty for a projection without partitions. The answer is plain JSON, an empty object if there is no
    state yet. See `codec.json_values` about numbers.
    """

    name: str
    partition: str = ""


@dataclass(frozen=True, slots=True)
class StatisticsRequest:
    """The projections to describe: one by `name`, those of a `mode`, or all, also those of the system."""

    name: str | None = None
    mode: ProjectionMode | None = None


@dataclass(frozen=True, slots=True)
class ProjectionStatistics:
    """The state of a projection at one moment.

    `status` consists of words that servers combine (Running, Stopped, Faulted…, `Stopped (Enabled)`,
    `Completed/Stopped/Writing results`), so compare its beginning. `mode` is a `ProjectionMode`, `progress` is in per
    cent, `core_processing_time` in milliseconds. `position` and `last_checkpoint` are texts whose form depends on the
    streams that the projection reads.
    """

    name: str
    status: str
    state_reason: str = ""
    mode: str = ProjectionMode.CONTINUOUS
    progress: float = 0.0
    position: str = ""
    last_checkpoint: str = ""
    effective_name: str = ""
    version: int = 0
    epoch: int = 0
    core_processing_time: int = 0
    events_processed_after_restart: int = 0
    buffered_events: int = 0
    partitions_cached: int = 0
    reads_in_progress: int = 0
    writes_in_progress: int = 0
    write_pending_events_before_checkpoint: int = 0
    write_pending_events_after_checkpoint: int = 0
    checkpoint_status: str = ""
