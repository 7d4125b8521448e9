"""The states of a projection, and which may follow on which."""

from __future__ import annotations

import enum


class ProjectionState(enum.StrEnum):
    """The state of a projection. The values are the words of servers."""

    LOADED = "Loaded"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    ABORTED = "Aborted"
    COMPLETED = "Completed"
    FAULTED = "Faulted"


_RESTS = frozenset({ProjectionState.STOPPED, ProjectionState.ABORTED, ProjectionState.FAULTED})

ALLOWED: dict[ProjectionState, frozenset[ProjectionState]] = {
    ProjectionState.LOADED: frozenset({ProjectionState.RUNNING}) | _RESTS,
    ProjectionState.RUNNING: frozenset({ProjectionState.STOPPING, ProjectionState.COMPLETED, ProjectionState.FAULTED}),
    ProjectionState.STOPPING: frozenset({ProjectionState.LOADED, ProjectionState.COMPLETED}) | _RESTS,
    ProjectionState.STOPPED: frozenset({ProjectionState.LOADED}),
    ProjectionState.ABORTED: frozenset({ProjectionState.LOADED, ProjectionState.STOPPED}),
    ProjectionState.COMPLETED: frozenset({ProjectionState.LOADED, ProjectionState.STOPPED}),
    ProjectionState.FAULTED: frozenset({ProjectionState.LOADED, ProjectionState.STOPPED}),
}
