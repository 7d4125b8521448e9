"""The statistics of a projection (protocol 7.2, and recorded)."""

from __future__ import annotations

from fastapi_esdb.embedded.projections.projection import Projection
from fastapi_esdb.embedded.projections.run import Run
from fastapi_esdb.embedded.projections.sources import DONE
from fastapi_esdb.embedded.projections.state import ProjectionState
from fastapi_esdb.embedded.projections.tags import NO_REVISION, NOTHING_READ, Tag
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.projections.values import ProjectionStatistics

COMPLETED_POSITION = "Phase: 1 (completed)"
"""The position of a query that has written its results."""

_WORDS = {
    ProjectionState.ABORTED: "Aborted/Stopped",
    ProjectionState.COMPLETED: "Completed/Stopped/Writing results",
}
"""The words of servers if a projection and the engine that runs it are in different states."""


def statistics_of(projection: Projection) -> ProjectionStatistics:
    """The projection as it is now."""
    return _with_run(projection, projection.run) if projection.run else _without_run(projection)


def _without_run(projection: Projection) -> ProjectionStatistics:
    """Of a projection whose source can't be run, little is known."""
    settings = projection.settings
    return ProjectionStatistics(
        name=settings.name,
        effective_name=settings.name,
        status=projection.state,
        state_reason=projection.reason,
        mode=settings.mode,
        epoch=NO_REVISION,
        version=NO_REVISION,
    )


def _with_run(projection: Projection, run: Run) -> ProjectionStatistics:
    settings = projection.settings
    is_completed = projection.state is ProjectionState.COMPLETED
    return ProjectionStatistics(
        name=settings.name,
        effective_name=settings.name,
        status=_status(projection),
        state_reason=projection.reason if projection.state is ProjectionState.FAULTED else "",
        mode=settings.mode,
        epoch=settings.epoch,
        version=settings.version,
        progress=run.progress,
        position=COMPLETED_POSITION if is_completed else _position_text(run.position, run),
        last_checkpoint=COMPLETED_POSITION if is_completed else _position_text(run.checkpoint, run),
        core_processing_time=int(run.milliseconds),
        events_processed_after_restart=run.handled,
        partitions_cached=len(run.partitions),
    )


def _position_text(tag: Tag, run: Run) -> str:
    """Of a projection that found an empty log, the end of that: there is nothing that it has not read."""
    is_at_end = run.position.position == NOTHING_READ and run.progress == DONE
    return str(tag.at(Position(0, 0)) if is_at_end else tag)


def _status(projection: Projection) -> str:
    word = _WORDS.get(projection.state, str(projection.state))
    is_at_rest = projection.state in (ProjectionState.STOPPED, ProjectionState.FAULTED)
    return f"{word} (Enabled)" if is_at_rest and projection.settings.enabled else word
