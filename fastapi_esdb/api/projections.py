"""Projections: JavaScript that the server runs over events."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar, Unpack, overload

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import ConnectionPart, Options, listed, write
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.codec.json_values import Json
from fastapi_esdb.wire.errors import InvalidArgument, ProjectionNotFound
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.method import Method, Request
from fastapi_esdb.wire.projections.methods import (
    CREATE_PROJECTION,
    DELETE_PROJECTION,
    DISABLE_PROJECTION,
    ENABLE_PROJECTION,
    PROJECTION_RESULT,
    PROJECTION_STATE,
    PROJECTION_STATISTICS,
    RESET_PROJECTION,
    RESTART_PROJECTIONS,
    UPDATE_PROJECTION,
)
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

TRANSIENT_ENDS = "create_transient() is refused by coming servers: use create_one_time(), or create() and delete()"


class Model(Protocol):
    """A class that a state can be read into: any pydantic model."""

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...


ModelType = TypeVar("ModelType", bound=Model)


class Projections(ConnectionPart):
    """The projections of the server.

    Every call takes the `Options` that all calls take. Beside what all calls raise there are `ProjectionNotFound`,
    `ProjectionFailed` with the server's word for it ("Conflict" where the name is taken, "OperationFailed" where the
    projection is in the wrong state, "NotAuthorized"), and `OutcomeUnknown` where the answer is lost.
    """

    async def create(
        self,
        name: str,
        query: str,
        *,
        emit_enabled: bool = False,
        track_emitted_streams: bool = False,
        engine_version: int = 0,
        properties: Mapping[str, Json] | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Add a projection that runs on and on, with checkpoints, and start it.

        `emit_enabled` lets it write events; `track_emitted_streams` remembers where, so that they can be deleted with
        it. `engine_version` 2 takes the new engine of servers from 26.1 on, which cannot track. `properties` are JSON
        about this change, such as who made it: servers after 26.1.1 keep them as metadata of the event that tells of
        it, in the stream `$projections-NAME`; others ignore them.
        """
        continuous = ProjectionMode.CONTINUOUS
        arguments.whole_number(engine_version, "engine_version", least=0, most=arguments.INT32)
        request = CreateProjection(
            _query(query),
            _name(name),
            continuous,
            emit_enabled,
            track_emitted_streams,
            engine_version,
            _properties(properties),
        )
        await self._write(CREATE_PROJECTION, request, name, options)

    async def create_transient(self, name: str, query: str, **options: Unpack[Options]) -> None:
        """Add a projection without checkpoints, which is gone after a restart, and start it.

        Deprecated: coming servers refuse it. `create_one_time` and `create` are what stays.
        """
        warnings.warn(TRANSIENT_ENDS, DeprecationWarning, stacklevel=2)
        request = CreateProjection(_query(query), _name(name), ProjectionMode.TRANSIENT)
        await self._write(CREATE_PROJECTION, request, name, options)

    async def create_one_time(
        self, query: str, *, properties: Mapping[str, Json] | None = None, **options: Unpack[Options]
    ) -> None:
        """Have a query run once over the events of today; the server makes up its name (see `list`).

        `properties` are as in `create`.
        """
        one_time = ProjectionMode.ONE_TIME
        request = CreateProjection(_query(query), mode=one_time, properties=_properties(properties))
        await self._write(CREATE_PROJECTION, request, "a one-time projection", options)

    async def update(
        self,
        name: str,
        query: str,
        *,
        emit_enabled: bool | None = None,
        properties: Mapping[str, Json] | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Replace the query; `emit_enabled` stays what it is where it is `None`. `properties` are as in `create`."""
        request = UpdateProjection(_name(name), _query(query), emit_enabled, _properties(properties))
        await self._write(UPDATE_PROJECTION, request, name, options)

    async def delete(
        self,
        name: str,
        *,
        delete_emitted_streams: bool = False,
        delete_state_stream: bool = False,
        delete_checkpoint_stream: bool = False,
        **options: Unpack[Options],
    ) -> None:
        """Remove a projection, which must be disabled, and what it wrote as far as that is wanted.

        Its results, in `$projections-NAME-result`, stay in any case (protocol 12.5).
        """
        request = DeleteProjection(_name(name), delete_emitted_streams, delete_state_stream, delete_checkpoint_stream)
        await self._write(DELETE_PROJECTION, request, name, options)

    async def enable(self, name: str, **options: Unpack[Options]) -> None:
        """Start a projection that is stopped or has failed."""
        await self._write(ENABLE_PROJECTION, EnableProjection(_name(name)), name, options)

    async def disable(self, name: str, **options: Unpack[Options]) -> None:
        """Stop a projection after it has written a checkpoint."""
        await self._write(DISABLE_PROJECTION, DisableProjection(_name(name)), name, options)

    async def abort(self, name: str, **options: Unpack[Options]) -> None:
        """Stop a projection where it stands; it goes on from its last checkpoint."""
        await self._write(DISABLE_PROJECTION, DisableProjection(_name(name), write_checkpoint=False), name, options)

    async def reset(self, name: str, **options: Unpack[Options]) -> None:
        """Have a projection begin again, without its state."""
        await self._write(RESET_PROJECTION, ResetProjection(_name(name)), name, options)

    @overload
    async def state(
        self, name: str, *, partition: str = "", model: type[ModelType], **options: Unpack[Options]
    ) -> ModelType: ...
    @overload
    async def state(self, name: str, *, partition: str = "", model: None = None, **options: Unpack[Options]) -> Any: ...
    async def state(
        self, name: str, *, partition: str = "", model: type[Model] | None = None, **options: Unpack[Options]
    ) -> Any:
        """Return the state, as JSON or as a pydantic `model`; an empty object where there is none yet.

        `partition` is the one of a projection with partitions: the name of a stream, or what `partitionBy` gives.
        Whole numbers beyond 2^53 lose digits on the way. A state that is none of the model's raises what pydantic
        raises.
        """
        return await self._json(PROJECTION_STATE, name, partition, model, options)

    @overload
    async def result(
        self, name: str, *, partition: str = "", model: type[ModelType], **options: Unpack[Options]
    ) -> ModelType: ...
    @overload
    async def result(
        self, name: str, *, partition: str = "", model: None = None, **options: Unpack[Options]
    ) -> Any: ...
    async def result(
        self, name: str, *, partition: str = "", model: type[Model] | None = None, **options: Unpack[Options]
    ) -> Any:
        """Return the result, which is the state after `transformBy` and `filterBy`, as `state` gives it."""
        return await self._json(PROJECTION_RESULT, name, partition, model, options)

    async def statistics(self, name: str, **options: Unpack[Options]) -> ProjectionStatistics:
        """Return the statistics of one projection. Raises `ProjectionNotFound`."""
        found = await self._statistics(StatisticsRequest(name=_name(name)), options)
        if not found:
            raise ProjectionNotFound(f"Projection '{name}' not found")
        return found[0]

    async def list(
        self, mode: ProjectionMode | None = None, **options: Unpack[Options]
    ) -> tuple[ProjectionStatistics, ...]:
        """Return the statistics of all projections, or of those of one mode."""
        if not (mode is None or isinstance(mode, ProjectionMode)):
            raise InvalidArgument(f"mode must be a ProjectionMode or None, not {quoted(mode)}")
        return await self._statistics(StatisticsRequest(mode=mode), options)

    async def restart(self, **options: Unpack[Options]) -> None:
        """Restart the server's subsystem of projections."""
        await write(self._carrier, RESTART_PROJECTIONS, None, "the projections", CallOptions.of(**options))

    async def _json(
        self, method: Method[StateRequest, Any], name: str, partition: str, model: type[Model] | None, options: Options
    ) -> Any:
        if model is not None and not hasattr(model, "model_validate"):
            raise InvalidArgument(f"model must be a pydantic model, not {quoted(model)}")
        request = StateRequest(_name(name), arguments.text_or_empty(partition, "partition"))
        answer = await self._carrier.call(method, request, CallOptions.of(**options))
        return model.model_validate(answer) if model else answer

    async def _statistics(self, request: StatisticsRequest, options: Options) -> tuple[ProjectionStatistics, ...]:
        async with self._carrier.stream(PROJECTION_STATISTICS, [request], CallOptions.of(**options)) as answers:
            return await listed(answers)

    async def _write(self, method: Method[Request, None], request: Request, name: str, options: Options) -> None:
        await write(self._carrier, method, request, name, CallOptions.of(**options))


def _name(name: str) -> str:
    return arguments.text(name, "name")


def _query(query: str) -> str:
    return arguments.text(query, "query")


def _properties(properties: Mapping[str, Json] | None) -> Mapping[str, Json]:
    if properties is not None and not isinstance(properties, Mapping):
        raise InvalidArgument(f"properties must be a mapping, not {quoted(properties)}")
    for name in properties or {}:
        arguments.text(name, "the name of a property")
    return properties or {}
