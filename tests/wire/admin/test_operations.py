from __future__ import annotations

from typing import Any

import pytest

from fastapi_esdb.wire.admin.operations import (
    CURRENT_SCAVENGE,
    MERGE_INDEXES,
    RESIGN_NODE,
    RESTART_PERSISTENT_SUBSCRIPTIONS,
    SET_NODE_PRIORITY,
    SHUTDOWN,
    START_SCAVENGE,
    STOP_SCAVENGE,
    NodePriority,
    Scavenge,
    ScavengeResult,
    StartScavenge,
    StopScavenge,
)
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import Codec
from fastapi_esdb.wire.proto.v1 import operations_pb2 as pb
from tests.wire.comparing import Golden, check

GOLDEN: list[Golden] = [
    (START_SCAVENGE.request, StartScavenge(), b"\n\x02\x08\x01"),
    (START_SCAVENGE.request, StartScavenge(thread_count=4, start_from_chunk=10), b"\n\x04\x08\x04\x10\n"),
    (START_SCAVENGE.response, Scavenge("id", ScavengeResult.STARTED), b"\n\x02id"),
    (START_SCAVENGE.response, Scavenge("id", ScavengeResult.IN_PROGRESS), b"\n\x02id\x10\x01"),
    (STOP_SCAVENGE.request, StopScavenge(CURRENT_SCAVENGE), b"\n\t\n\x07current"),
    (STOP_SCAVENGE.response, Scavenge("id", ScavengeResult.STOPPED), b"\n\x02id\x10\x02"),
    (SET_NODE_PRIORITY.request, NodePriority(3), b"\x08\x03"),
    (SET_NODE_PRIORITY.request, NodePriority(-1), b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    *(
        (codec, None, b"")
        for method in (SHUTDOWN, MERGE_INDEXES, RESIGN_NODE, RESTART_PERSISTENT_SUBSCRIPTIONS)
        for codec in (method.request, method.response)
    ),
    (SET_NODE_PRIORITY.response, None, b""),
]


@pytest.mark.parametrize(("codec", "value", "data"), GOLDEN)
def test_golden(codec: Codec[Any], value: object, data: bytes) -> None:
    """Each request and each answer is these bytes, and these bytes are it."""
    check(codec, value, data)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (pb.StartScavengeReq(), "StartScavengeReq came without options"),
        (pb.StartScavengeReq(options={}), "thread_count is 0 and must be 1 or more"),
        (pb.StartScavengeReq(options={"thread_count": 1, "start_from_chunk": -1}), "start_from_chunk is -1 and must"),
    ],
)
def test_scavenges_that_servers_refuse(message: pb.StartScavengeReq, says: str) -> None:
    """A scavenge without a thread, or from a chunk before the first, is refused."""
    with pytest.raises(InvalidArgument) as refused:
        START_SCAVENGE.request.decode(message)
    assert says in str(refused.value)
