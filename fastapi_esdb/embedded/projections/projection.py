"""A projection: its settings, its run, and the commands that change both."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from fastapi_esdb.embedded.projections.checkpoints import CheckpointDamaged, Checkpoints
from fastapi_esdb.embedded.projections.emitter import EmitFailed
from fastapi_esdb.embedded.projections.own_streams import all_events, delete_stream, tracking_stream
from fastapi_esdb.embedded.projections.run import Faulted, Rules, Run, open_handler
from fastapi_esdb.embedded.projections.script import ScriptFailed, ScriptRules
from fastapi_esdb.embedded.projections.settings import Catalogue, Settings
from fastapi_esdb.embedded.projections.system import SystemRules
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.embedded.store.work import Breaks
from fastapi_esdb.wire.codec.json_values import Json
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument, ProjectionFailed
from fastapi_esdb.wire.projections.values import DeleteProjection, ProjectionMode

log = logging.getLogger(__name__)

OPERATION_FAILED = "OperationFailed"
"""The word of a server for a command that is not possible in the state of the projection."""


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


class Projection:
    """Carries out commands, which the caller must give one at a time.

    `reason` tells why it is faulted. `run` is what it did last, or does; `None` where its source can't be run.
    """

    def __init__(self, database: Database, catalogue: Catalogue, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.state = ProjectionState.LOADED
        self.reason = ""
        self.run: Run | None = None
        self.last_asked: datetime = clock()
        self._database = database
        self._catalogue = catalogue
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Projection {self.settings.name!r} {self.state}>"

    @property
    def is_running(self) -> bool:
        return self.state is ProjectionState.RUNNING

    def touch(self) -> None:
        """Take note of a query for it."""
        self.last_asked = self._clock()

    async def create(self, properties: Mapping[str, Json]) -> None:
        """Store it, with properties of this change, and begin."""
        await self._change(self.settings, properties)
        await self.begin()

    async def begin(self) -> None:
        """Make its rules and, if it is enabled, run them from the last checkpoint on."""
        self._move(ProjectionState.LOADED)
        self.run = None
        try:
            self.run = await self._loaded()
        except (ScriptFailed, InvalidArgument, CheckpointDamaged) as error:
            self._fault(str(error))
            return
        except Exception as error:
            self._fail(error)
            return
        if self.settings.enabled:
            self._move(ProjectionState.RUNNING)
            self._task = asyncio.create_task(self._carry_out(self.run))
        else:
            await self.run.close()
            self._move(ProjectionState.STOPPED)

    async def enable(self) -> None:
        """Run, from the last checkpoint on. Does nothing if it runs already."""
        if not self.is_running:
            await self._change(replace(self.settings, enabled=True))
            await self.begin()

    async def disable(self) -> None:
        """Stop, with a checkpoint."""
        await self.halt()
        await self._change(replace(self.settings, enabled=False))
        if self.state is not ProjectionState.STOPPED:
            self._move(ProjectionState.STOPPED)

    async def abort(self) -> None:
        """Stop at once, without a checkpoint."""
        await self.halt(save=False)
        await self._change(replace(self.settings, enabled=False))

    async def update(self, query: str, emit_enabled: bool | None, properties: Mapping[str, Json]) -> None:
        """Replace its query, from the same checkpoint on; a query that has ended begins again."""
        was_completed = self.state is ProjectionState.COMPLETED
        await self.halt()
        emits = self.settings.emit_enabled if emit_enabled is None else emit_enabled
        settings = replace(self.settings, query=query, emit_enabled=emits)
        await self._change(settings.begun_anew() if was_completed else settings, properties)
        await self.begin()

    async def reset(self) -> None:
        """Restart from the beginning, without a state."""
        await self.halt(save=False)
        await self._change(self.settings.begun_anew())
        await self.begin()

    async def delete(self, request: DeleteProjection) -> None:
        """Delete it, and those of its streams that the request names. Raises ProjectionFailed if it still runs."""
        is_transient = self.settings.mode is ProjectionMode.TRANSIENT
        is_at_rest = self.state in (ProjectionState.STOPPED, ProjectionState.FAULTED)
        if self.settings.is_system or not (is_at_rest or is_transient):
            raise ProjectionFailed(OPERATION_FAILED)
        await self.halt(save=False)
        await delete_streams(self._database, self.settings, request)
        await self._catalogue.remove(self.settings)

    async def halt(self, *, save: bool = True) -> None:
        """End the run, if there is one: stop it with a checkpoint, or abort it without."""
        if self.run is None or self._task is None or not self.is_running:
            return
        self._move(ProjectionState.STOPPING)
        self.run.stop()
        await self._task
        if self.state is ProjectionState.STOPPING:
            await self._end(self.run, save=save)

    async def _loaded(self) -> Run:
        """Return the run for the projection. Raises ScriptFailed, InvalidArgument and CheckpointDamaged."""
        make = partial(_make_rules, self.settings)
        handler = await open_handler(make, on_thread=not self.settings.is_system)
        try:
            checkpoints = Checkpoints(self._database, self.settings)
            started = await checkpoints.load(handler.definition)
            return Run(self._database, self.settings, handler, checkpoints, started)
        except BaseException:
            await handler.close()
            raise

    async def _end(self, run: Run, *, save: bool) -> None:
        if save and not self.settings.ends:
            await run.save()
        self._move(ProjectionState.STOPPED if save else ProjectionState.ABORTED)

    async def _carry_out(self, run: Run) -> None:
        try:
            if await run.run():
                self._move(ProjectionState.COMPLETED)
        except (Faulted, EmitFailed, EsdbError) as error:
            self._fault(str(error))
        except Exception as error:
            self._fail(error)
        finally:
            await run.close()

    async def _change(self, settings: Settings, properties: Mapping[str, Json] | None = None) -> None:
        self.settings = await self._catalogue.save(settings, properties)

    def _fail(self, error: Exception) -> None:
        """Make the projection faulted. An error of one projection has no effect on the others."""
        log.exception("projection %s failed", self.settings.name)
        self._fault(f"{type(error).__name__}: {error}")

    def _fault(self, reason: str) -> None:
        log.warning("projection %s faulted: %s", self.settings.name, reason)
        self.reason = reason
        self._move(ProjectionState.FAULTED)

    def _move(self, state: ProjectionState) -> None:
        if state is not self.state and state not in ALLOWED[self.state]:
            raise RuntimeError(f"{self!r} can't become {state}")
        self.state = state


def _make_rules(settings: Settings) -> Rules:
    """Raises ScriptFailed and InvalidArgument."""
    if settings.is_system:
        return SystemRules(settings.name, settings.query)
    return ScriptRules(settings.name, settings.query)


async def delete_streams(database: Database, settings: Settings, request: DeleteProjection) -> None:
    """Delete, softly, those streams of the projection that the request names. Its results stay (protocol 12.5)."""
    if request.delete_emitted_streams and settings.track_emitted_streams:
        await _delete_emitted(database, settings)
    if request.delete_checkpoint_stream:
        await Checkpoints(database, settings).delete()


async def _delete_emitted(database: Database, settings: Settings) -> None:
    tracking = tracking_stream(settings.name)
    breaks = Breaks()
    for record in [record async for record in all_events(database, tracking)]:
        await delete_stream(database, record.data.decode(errors="replace"))
        await breaks.take()
    await delete_stream(database, tracking)
