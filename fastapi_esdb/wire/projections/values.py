"""What can be asked of the Projections service and what it answers, as plain values."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ProjectionMode(enum.StrEnum):
    """How a projection runs; the values are the names that statistics use."""

    ONE_TIME = "OneTime"
    """To the end of today's events, once; the server makes up the name."""
    TRANSIENT = "Transient"
    """As long as somebody asks for it; gone after a restart."""
    CONTINUOUS = "Continuous"
    """On and on, with checkpoints."""


@dataclass(frozen=True, slots=True)
class CreateProjection:
    """A projection to add and start. `query` is JavaScript; a one-time projection has no `name`.

    `emit_enabled` lets a continuous one write events, `track_emitted_streams` makes it remember to which streams, so
    that they can be deleted with it. `engine_version` is for servers from 26.1 on: 0 and 1 are the usual engine, 2 is
    the new one, which cannot track streams.
    """

    query: str
    name: str = ""
    mode: ProjectionMode = ProjectionMode.CONTINUOUS
    emit_enabled: bool = False
    track_emitted_streams: bool = False
    engine_version: int = 0


@dataclass(frozen=True, slots=True)
class UpdateProjection:
    """A new query; `emit_enabled` stays what it was where it is `None`."""

    name: str
    query: str
    emit_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class DeleteProjection:
    """A stopped or faulted projection to remove, and which of its streams with it.

    Emitted streams are deleted where the projection tracked them.
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
    """A projection to stop: after writing a checkpoint, or else aborted where it stands."""

    name: str
    write_checkpoint: bool = True


@dataclass(frozen=True, slots=True)
class ResetProjection:
    """A projection to start over without its state; servers ignore `write_checkpoint`."""

    name: str
    write_checkpoint: bool = False


@dataclass(frozen=True, slots=True)
class StateRequest:
    """Whose state, or as a request of Result, whose result; `partition` is empty for a projection without partitions.

    The answer is plain JSON: an empty object where there is none yet. See `json_values` for numbers.
    """

    name: str
    partition: str = ""


@dataclass(frozen=True, slots=True)
class StatisticsRequest:
    """Which projections to describe: one by `name`, those of a `mode`, or with neither all, the system's among them."""

    name: str | None = None
    mode: ProjectionMode | None = None


@dataclass(frozen=True, slots=True)
class ProjectionStatistics:
    """One projection at one moment.

    `status` is made of words that servers combine (Running, Stopped, Faulted…, `Stopped (Enabled)`,
    `Completed/Stopped/Writing results`): compare its beginning. `mode` is one of `ProjectionMode`, `progress` is in per
    cent, `core_processing_time` in milliseconds; `position` and `last_checkpoint` are texts whose form depends on what
    the projection reads.
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
