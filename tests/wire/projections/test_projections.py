from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from google.protobuf.message import Message

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec, Method
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
from fastapi_esdb.wire.proto.v1 import projections_pb2 as pb
from tests.wire.comparing import Golden, check

STATISTICS = ProjectionStatistics(
    name="p",
    status="Running",
    state_reason="because",
    mode="OneTime",
    progress=99.5,
    position="C:1/P:1",
    last_checkpoint="C:2/P:2",
    effective_name="e",
    version=1,
    epoch=-1,
    core_processing_time=2,
    events_processed_after_restart=3,
    buffered_events=4,
    partitions_cached=5,
    reads_in_progress=6,
    writes_in_progress=7,
    write_pending_events_before_checkpoint=8,
    write_pending_events_after_checkpoint=9,
    checkpoint_status="Requested",
)

GOLDEN: list[Golden] = [
    (
        CREATE_PROJECTION.request,
        CreateProjection("q", "p", properties={"by": "ada"}),
        b'\n\x15\x1a\x03\n\x01p"\x01q2\x0b\n\x02by\x12\x05\x1a\x03ada',
    ),
    (
        UPDATE_PROJECTION.request,
        UpdateProjection("p", "q", properties={"n": 1}),
        b'\n\x18\n\x01p\x12\x01q"\x00*\x0e\n\x01n\x12\t\x11\x00\x00\x00\x00\x00\x00\xf0?',
    ),
    (CREATE_PROJECTION.request, CreateProjection("q", "p"), b'\n\x08\x1a\x03\n\x01p"\x01q'),
    (
        CREATE_PROJECTION.request,
        CreateProjection("q", "p", emit_enabled=True, track_emitted_streams=True),
        b'\n\x0c\x1a\x07\n\x01p\x10\x01\x18\x01"\x01q',
    ),
    (
        CREATE_PROJECTION.request,
        CreateProjection("q", "p", emit_enabled=True, engine_version=2),
        b'\n\x0c\x1a\x05\n\x01p\x10\x01"\x01q(\x02',
    ),
    (CREATE_PROJECTION.request, CreateProjection("q", "p", ProjectionMode.TRANSIENT), b'\n\x08\x12\x03\n\x01p"\x01q'),
    (CREATE_PROJECTION.request, CreateProjection("q", mode=ProjectionMode.ONE_TIME), b'\n\x05\n\x00"\x01q'),
    (UPDATE_PROJECTION.request, UpdateProjection("p", "q"), b'\n\x08\n\x01p\x12\x01q"\x00'),
    (UPDATE_PROJECTION.request, UpdateProjection("p", "q", emit_enabled=True), b"\n\x08\n\x01p\x12\x01q\x18\x01"),
    (UPDATE_PROJECTION.request, UpdateProjection("p", "q", emit_enabled=False), b"\n\x08\n\x01p\x12\x01q\x18\x00"),
    (DELETE_PROJECTION.request, DeleteProjection("p"), b"\n\x03\n\x01p"),
    (DELETE_PROJECTION.request, DeleteProjection("p", True, True, True), b"\n\t\n\x01p\x10\x01\x18\x01 \x01"),
    (DELETE_PROJECTION.request, DeleteProjection("p", delete_checkpoint_stream=True), b"\n\x05\n\x01p \x01"),
    (ENABLE_PROJECTION.request, EnableProjection("p"), b"\n\x03\n\x01p"),
    (DISABLE_PROJECTION.request, DisableProjection("p"), b"\n\x05\n\x01p\x10\x01"),
    (DISABLE_PROJECTION.request, DisableProjection("p", write_checkpoint=False), b"\n\x03\n\x01p"),
    (RESET_PROJECTION.request, ResetProjection("p"), b"\n\x03\n\x01p"),
    (RESET_PROJECTION.request, ResetProjection("p", write_checkpoint=True), b"\n\x05\n\x01p\x10\x01"),
    (PROJECTION_STATE.request, StateRequest("p"), b"\n\x03\n\x01p"),
    (PROJECTION_STATE.request, StateRequest("p", "s-1"), b"\n\x08\n\x01p\x12\x03s-1"),
    (
        PROJECTION_STATE.response,
        {"n": 1, "of": ["a", None, 1.5]},
        (
            b"\n0*.\n\x0e\n\x01n\x12\t\x11\x00\x00\x00\x00\x00\x00\xf0?\n\x1c\n\x02of\x12\x162\x14\n\x03"
            b"\x1a\x01a\n\x02\x08\x00\n\t\x11\x00\x00\x00\x00\x00\x00\xf8?"
        ),
    ),
    (PROJECTION_STATE.response, {}, b"\n\x02*\x00"),
    (PROJECTION_STATE.response, None, b"\n\x02\x08\x00"),
    (PROJECTION_RESULT.request, StateRequest("p", "s-1"), b"\n\x08\n\x01p\x12\x03s-1"),
    (
        PROJECTION_RESULT.response,
        [True, {"n": -(2**53)}],
        b"\n\x1a2\x18\n\x02 \x01\n\x12*\x10\n\x0e\n\x01n\x12\t\x11\x00\x00\x00\x00\x00\x00@\xc3",
    ),
    (PROJECTION_STATISTICS.request, StatisticsRequest(), b"\n\x02\x12\x00"),
    (PROJECTION_STATISTICS.request, StatisticsRequest("p"), b"\n\x03\n\x01p"),
    (PROJECTION_STATISTICS.request, StatisticsRequest(mode=ProjectionMode.TRANSIENT), b"\n\x02\x1a\x00"),
    (PROJECTION_STATISTICS.request, StatisticsRequest(mode=ProjectionMode.CONTINUOUS), b'\n\x02"\x00'),
    (PROJECTION_STATISTICS.request, StatisticsRequest(mode=ProjectionMode.ONE_TIME), b"\n\x02*\x00"),
    (
        PROJECTION_STATISTICS.response,
        STATISTICS,
        (
            b'\nd\x08\x02\x10\x01\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"\x01e(\x070\x068\x05B\x07Runn'
            b"ingJ\x07becauseR\x01pZ\x07OneTimeb\x07C:1/P:1m\x00\x00\xc7Br\x07C:2/P:2x\x03\x82\x01\tRequest"
            b"ed\x88\x01\x04\x90\x01\x08\x98\x01\t"
        ),
    ),
    *(
        (method.response, None, b"")
        for method in (
            CREATE_PROJECTION,
            UPDATE_PROJECTION,
            DELETE_PROJECTION,
            ENABLE_PROJECTION,
            DISABLE_PROJECTION,
            RESET_PROJECTION,
        )
    ),
    (RESTART_PROJECTIONS.request, None, b""),
    (RESTART_PROJECTIONS.response, None, b""),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each request and each answer is these bytes, and these bytes are it."""
    check(codec, value, data)


def test_no_statistic_is_lost() -> None:
    """Every field that the protocol has for a projection is filled from a field of the value."""
    details = PROJECTION_STATISTICS.response.encode(STATISTICS).details
    assert {field.name for field, _ in details.ListFields()} == set(pb.StatisticsResp.Details.DESCRIPTOR.fields_by_name)
    assert len(fields(ProjectionStatistics)) == len(details.DESCRIPTOR.fields)


def test_the_mode_of_statistics_is_a_mode() -> None:
    """The mode that statistics name compares equal to the mode that creates."""
    assert STATISTICS.mode == ProjectionMode.ONE_TIME


def test_numbers_of_a_state() -> None:
    """Counters come as int though the protocol has doubles only."""
    message = pb.StateResp()
    message.state.struct_value.fields["n"].number_value = 3.0
    state = PROJECTION_STATE.response.decode(message)
    assert state == {"n": 3}
    assert isinstance(state, dict)
    assert isinstance(state["n"], int)


def test_an_answer_without_a_state() -> None:
    """An answer that has nothing in it is no state."""
    assert PROJECTION_STATE.response.decode(pb.StateResp()) is None


@pytest.mark.parametrize(
    ("create", "says"),
    [
        (CreateProjection("q", "p", track_emitted_streams=True), "track_emitted_streams needs emit_enabled"),
        (CreateProjection("q", "p", ProjectionMode.TRANSIENT, emit_enabled=True), "is for continuous projections"),
        (CreateProjection("q", mode=ProjectionMode.ONE_TIME, emit_enabled=True), "is for continuous projections"),
        (
            CreateProjection("q", "p", emit_enabled=True, track_emitted_streams=True, engine_version=2),
            "track_emitted_streams is not for engine_version 2: use 1",
        ),
    ],
)
def test_projections_that_cannot_be(create: CreateProjection, says: str) -> None:
    """Options that no server can combine are refused before they are sent."""
    with pytest.raises(InvalidArgument) as refused:
        CREATE_PROJECTION.request.encode(create)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("method", "message", "says"),
    [
        (CREATE_PROJECTION, pb.CreateReq(), "CreateReq came without options"),
        (CREATE_PROJECTION, pb.CreateReq(options={"query": "q"}), "needs a mode"),
        (
            CREATE_PROJECTION,
            pb.CreateReq(options={"continuous": {"name": "p", "track_emitted_streams": True}}),
            "track_emitted_streams needs emit_enabled",
        ),
        (UPDATE_PROJECTION, pb.UpdateReq(options={"name": "p"}), "needs emit_enabled or no_emit_options"),
        (PROJECTION_STATISTICS, pb.StatisticsReq(options={}), "statistics need a name, a mode or all"),
        (DELETE_PROJECTION, pb.DeleteReq(), "DeleteReq came without options"),
        (PROJECTION_STATE, pb.StateReq(), "StateReq came without options"),
    ],
)
def test_requests_that_servers_refuse(method: Method[Any, Any], message: Message, says: str) -> None:
    """A request that lacks something is refused with the name of what is missing."""
    with pytest.raises(InvalidArgument) as refused:
        method.request.decode(message)
    assert says in str(refused.value)
