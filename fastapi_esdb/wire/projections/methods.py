"""The RPCs of the Projections service, and the converters of their requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from fastapi_esdb.wire.codec.fields import from_fields, nothing, options_codec, options_of, to_fields
from fastapi_esdb.wire.codec.json_values import Json, read_json, write_json
from fastapi_esdb.wire.codec.scalars import NOTHING
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import PROJECTIONS, Codec, Service, Shape
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
from fastapi_esdb.wire.proto.v1 import projections_pb2 as pb
from fastapi_esdb.wire.proto.v1.shared_pb2 import Empty

ENGINE_WITHOUT_TRACKING = 2
"""The engine that came with 26.1, which does not remember to which streams it wrote."""

_Described = pb.CreateReq.Options | pb.UpdateReq.Options

_MODES = {
    ProjectionMode.ONE_TIME: "one_time",
    ProjectionMode.TRANSIENT: "transient",
    ProjectionMode.CONTINUOUS: "continuous",
}
_MODE_OF = {field: mode for mode, field in _MODES.items()}

_STATISTICS = {
    "name": "name",
    "status": "status",
    "state_reason": "stateReason",
    "mode": "mode",
    "progress": "progress",
    "position": "position",
    "last_checkpoint": "lastCheckpoint",
    "effective_name": "effectiveName",
    "version": "version",
    "epoch": "epoch",
    "core_processing_time": "coreProcessingTime",
    "events_processed_after_restart": "eventsProcessedAfterRestart",
    "buffered_events": "bufferedEvents",
    "partitions_cached": "partitionsCached",
    "reads_in_progress": "readsInProgress",
    "writes_in_progress": "writesInProgress",
    "write_pending_events_before_checkpoint": "writePendingEventsBeforeCheckpoint",
    "write_pending_events_after_checkpoint": "writePendingEventsAfterCheckpoint",
    "checkpoint_status": "checkpointStatus",
}


def _encode_create(value: CreateProjection) -> pb.CreateReq:
    _check_emission(value)
    options = pb.CreateReq.Options(query=value.query, engine_version=value.engine_version)
    mode = getattr(options, _MODES[value.mode])
    mode.SetInParent()
    if value.mode is not ProjectionMode.ONE_TIME:
        mode.name = value.name
    if value.mode is ProjectionMode.CONTINUOUS:
        mode.emit_enabled, mode.track_emitted_streams = value.emit_enabled, value.track_emitted_streams
    _write_properties(value.properties, options)
    return pb.CreateReq(options=options)


def _decode_create(message: pb.CreateReq) -> CreateProjection:
    options = options_of(message)
    case = options.WhichOneof("mode")
    if case is None:
        raise InvalidArgument("a projection to create needs a mode: one_time, transient or continuous")
    value = CreateProjection(
        options.query,
        name=getattr(getattr(options, case), "name", ""),
        mode=_MODE_OF[case],
        emit_enabled=options.continuous.emit_enabled,
        track_emitted_streams=options.continuous.track_emitted_streams,
        engine_version=options.engine_version,
        properties=_read_properties(options),
    )
    _check_emission(value)
    return value


def _check_emission(value: CreateProjection) -> None:
    """Raise InvalidArgument for combinations at which servers fail without a reason, or which they ignore."""
    if value.emit_enabled and value.mode is not ProjectionMode.CONTINUOUS:
        raise InvalidArgument("emit_enabled is for continuous projections: others cannot write events")
    if value.track_emitted_streams and not value.emit_enabled:
        raise InvalidArgument("track_emitted_streams needs emit_enabled: without it there are no streams to track")
    if value.track_emitted_streams and value.engine_version == ENGINE_WITHOUT_TRACKING:
        raise InvalidArgument(f"track_emitted_streams is not for engine_version {ENGINE_WITHOUT_TRACKING}: use 1")


def _encode_update(value: UpdateProjection) -> pb.UpdateReq:
    options = pb.UpdateReq.Options(name=value.name, query=value.query)
    if value.emit_enabled is None:
        options.no_emit_options.SetInParent()
    else:
        options.emit_enabled = value.emit_enabled
    _write_properties(value.properties, options)
    return pb.UpdateReq(options=options)


def _decode_update(message: pb.UpdateReq) -> UpdateProjection:
    options = options_of(message)
    case = options.WhichOneof("emit_option")
    if case is None:
        raise InvalidArgument("a projection to update needs emit_enabled or no_emit_options")
    emit_enabled = options.emit_enabled if case == "emit_enabled" else None
    return UpdateProjection(options.name, options.query, emit_enabled, _read_properties(options))


def _write_properties(properties: Mapping[str, Json], options: _Described) -> None:
    for key, value in properties.items():
        write_json(value, options.properties[key])


def _read_properties(options: _Described) -> dict[str, Json]:
    return {key: read_json(value) for key, value in options.properties.items()}


def _encode_statistics_request(value: StatisticsRequest) -> pb.StatisticsReq:
    if value.name is not None:
        return pb.StatisticsReq(options=pb.StatisticsReq.Options(name=value.name))
    case = _MODES[value.mode] if value.mode else "all"
    return pb.StatisticsReq(options={case: Empty()})


def _decode_statistics_request(message: pb.StatisticsReq) -> StatisticsRequest:
    options = options_of(message)
    case = options.WhichOneof("mode")
    if case is None:
        raise InvalidArgument("statistics need a name, a mode or all")
    return StatisticsRequest(options.name if case == "name" else None, _MODE_OF.get(case))


def _encode_statistics(value: ProjectionStatistics) -> pb.StatisticsResp:
    return pb.StatisticsResp(details=to_fields(value, _STATISTICS))


def _decode_statistics(message: pb.StatisticsResp) -> ProjectionStatistics:
    return ProjectionStatistics(**from_fields(message.details, _STATISTICS))


def _json_codec(message: type[Message], field: str) -> Codec[Json]:
    def encode(value: Json) -> Message:
        answer = message()
        write_json(value, getattr(answer, field))
        return answer

    def decode(answer: Any) -> Json:
        return read_json(getattr(answer, field))

    return Codec(message, encode, decode)


_SERVICE = Service(PROJECTIONS)

CREATE_PROJECTION = _SERVICE.method(
    "Create", Codec(pb.CreateReq, _encode_create, _decode_create), nothing(pb.CreateResp)
)
UPDATE_PROJECTION = _SERVICE.method(
    "Update", Codec(pb.UpdateReq, _encode_update, _decode_update), nothing(pb.UpdateResp)
)
DELETE_PROJECTION = _SERVICE.method("Delete", options_codec(pb.DeleteReq, DeleteProjection), nothing(pb.DeleteResp))
ENABLE_PROJECTION = _SERVICE.method("Enable", options_codec(pb.EnableReq, EnableProjection), nothing(pb.EnableResp))
DISABLE_PROJECTION = _SERVICE.method(
    "Disable", options_codec(pb.DisableReq, DisableProjection), nothing(pb.DisableResp)
)
RESET_PROJECTION = _SERVICE.method("Reset", options_codec(pb.ResetReq, ResetProjection), nothing(pb.ResetResp))
RESTART_PROJECTIONS = _SERVICE.method("RestartSubsystem", NOTHING, NOTHING)

PROJECTION_STATE = _SERVICE.method(
    "State", options_codec(pb.StateReq, StateRequest), _json_codec(pb.StateResp, "state"), writes=False
)
PROJECTION_RESULT = _SERVICE.method(
    "Result", options_codec(pb.ResultReq, StateRequest), _json_codec(pb.ResultResp, "result"), writes=False
)
PROJECTION_STATISTICS = _SERVICE.method(
    "Statistics",
    Codec(pb.StatisticsReq, _encode_statistics_request, _decode_statistics_request),
    Codec(pb.StatisticsResp, _encode_statistics, _decode_statistics),
    Shape.SERVER_STREAM,
    writes=False,
)
