"""All projections of a server, and the commands for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from fastapi_esdb.embedded.projections.projection import OPERATION_FAILED, Projection, ProjectionState
from fastapi_esdb.embedded.projections.run import Run
from fastapi_esdb.embedded.projections.script import require_engine
from fastapi_esdb.embedded.projections.settings import Catalogue, Settings
from fastapi_esdb.embedded.projections.sources import DONE
from fastapi_esdb.embedded.projections.tags import NO_REVISION, NOTHING_READ, Tag
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.wire.errors import EsdbError, ProjectionFailed, ProjectionNotFound
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.projections.values import (
    CreateProjection,
    DeleteProjection,
    ProjectionMode,
    ProjectionStatistics,
    StatisticsRequest,
    UpdateProjection,
)

COMPLETED_POSITION = "Phase: 1 (completed)"
"""The position of a query that has written its results."""

_WORDS = {
    ProjectionState.ABORTED: "Aborted/Stopped",
    ProjectionState.COMPLETED: "Completed/Stopped/Writing results",
}
"""The words of servers if a projection and the engine that runs it are in different states."""

log = logging.getLogger(__name__)

QUERY_EXPIRY = timedelta(minutes=5)
"""The time after which a transient projection that nobody queries is deleted."""


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


class Projections:
    """The projections of a database, which run while the context lasts.

    Commands are carried out one after the other, and to their end even when whoever gave them is gone.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._catalogue = Catalogue(database)
        self._clock = clock
        self._projections: dict[str, Projection] = {}
        self._lock = asyncio.Lock()
        self._commands: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start those that are enabled."""
        await self._load()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all of them, with a checkpoint each."""
        await self._carry_out(self._stop)

    def find(self, name: str) -> Projection:
        """The projection; raises ProjectionNotFound."""
        self._forget_expired()
        projection = self._projections.get(name)
        if projection is None:
            raise ProjectionNotFound(f"Projection '{name}' not found")
        projection.touch()
        return projection

    def statistics(self, request: StatisticsRequest) -> list[ProjectionStatistics]:
        """One projection or several; raises ProjectionNotFound for one that isn't there."""
        if request.name is not None:
            return [statistics_of(self.find(request.name))]
        self._forget_expired()
        wanted = [p for p in self._projections.values() if request.mode in (None, p.settings.mode)]
        return [statistics_of(projection) for projection in wanted]

    async def create(self, request: CreateProjection) -> None:
        """Add a projection and start it. One that does not parse is there nevertheless, faulted.

        Raises ProjectionFailed for a name that is taken or empty, and InvalidArgument without a JavaScript engine.
        """
        require_engine()
        await self._carry_out(lambda: self._create(request))

    async def update(self, request: UpdateProjection) -> None:
        """Raises ProjectionNotFound, and InvalidArgument without a JavaScript engine."""
        if not self.find(request.name).settings.is_system:
            require_engine()
        await self._command(request.name, lambda p: p.update(request.query, request.emit_enabled, request.properties))

    async def delete(self, request: DeleteProjection) -> None:
        """Raises ProjectionNotFound, and ProjectionFailed for one that runs or is the system's."""
        await self._carry_out(lambda: self._delete(request))

    async def enable(self, name: str) -> None:
        """Raises ProjectionNotFound."""
        await self._command(name, lambda projection: projection.enable())

    async def disable(self, name: str, *, write_checkpoint: bool) -> None:
        """Stop it with a checkpoint, or abort it. Raises ProjectionNotFound."""
        await self._command(name, lambda p: p.disable() if write_checkpoint else p.abort())

    async def reset(self, name: str) -> None:
        """Raises ProjectionNotFound."""
        await self._command(name, lambda projection: projection.reset())

    async def restart(self) -> None:
        """Stop everything and begin with what the database holds; transient projections are gone then."""
        await self._carry_out(self._restart)

    async def _load(self) -> None:
        known = await self._catalogue.load()
        loaded = [Projection(self._database, self._catalogue, settings, self._clock) for settings in known]
        for projection in loaded:
            await projection.begin()
        self._projections = {projection.settings.name: projection for projection in loaded}

    async def _stop(self) -> None:
        """Whatever keeps one from writing its checkpoint, the others are stopped too."""
        for projection in self._projections.values():
            try:
                await projection.halt()
            except EsdbError as error:
                log.warning("projection %s stops without a checkpoint: %s", projection.settings.name, error)

    async def _restart(self) -> None:
        await self._stop()
        await self._load()

    async def _create(self, request: CreateProjection) -> None:
        settings = _settings(request)
        if not settings.name:
            raise ProjectionFailed(OPERATION_FAILED)
        self._forget_expired()
        if settings.name in self._projections:
            raise ProjectionFailed("Conflict")
        projection = Projection(self._database, self._catalogue, settings, self._clock)
        await projection.create(request.properties)
        self._projections[settings.name] = projection

    async def _delete(self, request: DeleteProjection) -> None:
        await self.find(request.name).delete(request)
        del self._projections[request.name]

    async def _command(self, name: str, command: Callable[[Projection], Awaitable[None]]) -> None:
        async def carry_out() -> None:
            await command(self.find(name))

        await self._carry_out(carry_out)

    async def _carry_out(self, command: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Carry out a command when its turn comes."""

        async def in_turn() -> None:
            async with self._lock:
                await command()

        task = asyncio.create_task(in_turn())
        self._commands.add(task)
        task.add_done_callback(self._done)
        await asyncio.shield(task)

    def _done(self, task: asyncio.Task[None]) -> None:
        """Whoever gave the command may be gone: that its failure is not looked at is no reason for a warning."""
        self._commands.discard(task)
        if not task.cancelled():
            task.exception()

    def _forget_expired(self) -> None:
        expired = self._clock() - QUERY_EXPIRY
        for name, projection in list(self._projections.items()):
            is_transient = projection.settings.mode is ProjectionMode.TRANSIENT
            if is_transient and not projection.is_running and projection.last_asked < expired:
                del self._projections[name]


def _settings(request: CreateProjection) -> Settings:
    return Settings(
        request.name or (str(uuid4()) if request.mode is ProjectionMode.ONE_TIME else ""),
        request.query,
        mode=request.mode,
        emit_enabled=request.emit_enabled,
        track_emitted_streams=request.track_emitted_streams,
    )
