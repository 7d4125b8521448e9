"""The Projections service."""

from __future__ import annotations

import json
from typing import Any

from fastapi_esdb.embedded.access import Rank
from fastapi_esdb.embedded.binding import Binding
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.projections.handling import NO_STATE, PartitionState
from fastapi_esdb.embedded.projections.subsystem import Projections
from fastapi_esdb.wire.codec.json_values import Json
from fastapi_esdb.wire.errors import ProjectionFailed
from fastapi_esdb.wire.projections import methods
from fastapi_esdb.wire.projections.values import (
    CreateProjection,
    DeleteProjection,
    DisableProjection,
    EnableProjection,
    ProjectionMode,
    ProjectionStatistics,
    ResetProjection,
    StateRequest,
    StatisticsRequest,
    UpdateProjection,
)


def bind_projections(binding: Binding, projections: Projections) -> None:
    """Bind all methods of the service."""
    service = ProjectionService(projections)
    binding.bind(methods.CREATE_PROJECTION, service.create)
    binding.bind(methods.UPDATE_PROJECTION, service.update)
    binding.bind(methods.DELETE_PROJECTION, service.delete)
    binding.bind(methods.ENABLE_PROJECTION, service.enable)
    binding.bind(methods.DISABLE_PROJECTION, service.disable)
    binding.bind(methods.RESET_PROJECTION, service.reset)
    binding.bind(methods.PROJECTION_STATE, service.state)
    binding.bind(methods.PROJECTION_RESULT, service.result)
    binding.bind(methods.PROJECTION_STATISTICS, service.statistics)
    binding.bind(methods.RESTART_PROJECTIONS, service.restart)


class ProjectionService:
    """Operators give commands, and anybody for transient projections; any user may ask for state and statistics."""

    def __init__(self, projections: Projections) -> None:
        self._projections = projections

    async def create(self, call: Call[CreateProjection, None]) -> None:
        """Add a projection; it runs, or is faulted, when this answers."""
        request = await call.request()
        _require_operator(call, request.mode)
        await self._projections.create(request)
        await call.send(None)

    async def update(self, call: Call[UpdateProjection, None]) -> None:
        """Give a projection another query."""
        request = await call.request()
        self._require_operator_for(call, request.name)
        await self._projections.update(request)
        await call.send(None)

    async def delete(self, call: Call[DeleteProjection, None]) -> None:
        """Remove a projection that does not run."""
        await self._projections.delete(await call.request())
        await call.send(None)

    async def enable(self, call: Call[EnableProjection, None]) -> None:
        """Start a projection."""
        request = await call.request()
        self._require_operator_for(call, request.name)
        await self._projections.enable(request.name)
        await call.send(None)

    async def disable(self, call: Call[DisableProjection, None]) -> None:
        """Stop a projection, or abort it."""
        request = await call.request()
        self._require_operator_for(call, request.name)
        await self._projections.disable(request.name, write_checkpoint=request.write_checkpoint)
        await call.send(None)

    async def reset(self, call: Call[ResetProjection, None]) -> None:
        """Restart a projection from the beginning."""
        request = await call.request()
        self._require_operator_for(call, request.name)
        await self._projections.reset(request.name)
        await call.send(None)

    async def state(self, call: Call[StateRequest, Json]) -> None:
        """Answer with the state of a projection, or of a partition."""
        state = self._states(await call.request()).state
        await call.send_large(lambda: _json(state))

    async def result(self, call: Call[StateRequest, Json]) -> None:
        """Answer with the result of a projection."""
        result = self._states(await call.request()).result
        await call.send_large(lambda: _json(result))

    async def statistics(self, call: Call[StatisticsRequest, ProjectionStatistics]) -> None:
        """Answer with the statistics of the projections, one after the other."""
        for statistics in self._projections.statistics(await call.request()):
            await call.send(statistics)

    async def restart(self, call: Call[None, None]) -> None:
        """Stop all projections, and start those that are enabled."""
        await call.request()
        await self._projections.restart()
        await call.send(None)

    def _states(self, request: StateRequest) -> PartitionState:
        run = self._projections.find(request.name).run
        return run.partitions.get(request.partition) if run else NO_STATE

    def _require_operator_for(self, call: Call[Any, None], name: str) -> None:
        _require_operator(call, self._projections.find(name).settings.mode)


def _require_operator(call: Call[Any, None], mode: ProjectionMode) -> None:
    """Raise ProjectionFailed, as the manager of projections does on a server (protocol 7.3)."""
    if mode is not ProjectionMode.TRANSIENT and call.caller.rank < Rank.OPERATOR:
        raise ProjectionFailed("NotAuthorized")


def _json(text: str | None) -> Json:
    """Return a state as clients get it: an empty object if there is none, every number a double (protocol 7.2)."""
    value: Json = {} if text is None else json.loads(text, parse_int=float)
    return value
