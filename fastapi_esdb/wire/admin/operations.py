"""The Operations service, which acts on a single node: its values, their converters, and its RPCs."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fastapi_esdb.wire.codec.fields import options_codec, options_of
from fastapi_esdb.wire.codec.scalars import NOTHING, Fields
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.method import OPERATIONS, Codec, Service
from fastapi_esdb.wire.proto.v1 import operations_pb2 as pb

CURRENT_SCAVENGE = "current"
"""Stands for the id of the scavenge that is running."""


@dataclass(frozen=True, slots=True)
class StartScavenge:
    """Free the disk space of deleted events, with one or more threads, from a chunk on (counted from 0)."""

    thread_count: int = 1
    start_from_chunk: int = 0


@dataclass(frozen=True, slots=True)
class StopScavenge:
    """The scavenge to stop: its id, or `CURRENT_SCAVENGE`."""

    scavenge_id: str


class ScavengeResult(enum.Enum):
    """Started or stopped by this call, or in progress since an earlier one. The values are the protocol's numbers."""

    STARTED = 0
    IN_PROGRESS = 1
    STOPPED = 2


@dataclass(frozen=True, slots=True)
class Scavenge:
    """A scavenge, and the result of the call. If a scavenge was running already, the id is the one of that scavenge."""

    scavenge_id: str
    result: ScavengeResult


@dataclass(frozen=True, slots=True)
class NodePriority:
    """A hint for the next elections, which prefer the node with the larger number."""

    priority: int


def _decode_start(message: pb.StartScavengeReq) -> StartScavenge:
    options = options_of(message)
    if options.thread_count < 1:
        raise InvalidArgument(f"thread_count is {options.thread_count} and must be 1 or more")
    if options.start_from_chunk < 0:
        raise InvalidArgument(f"start_from_chunk is {options.start_from_chunk} and must be 0 or more")
    return StartScavenge(options.thread_count, options.start_from_chunk)


def _encode_scavenge(value: Scavenge) -> pb.ScavengeResp:
    fields: Fields = {"scavenge_id": value.scavenge_id, "scavenge_result": value.result.value}
    return pb.ScavengeResp(**fields)


def _decode_scavenge(message: pb.ScavengeResp) -> Scavenge:
    return Scavenge(message.scavenge_id, ScavengeResult(message.scavenge_result))


def _encode_priority(value: NodePriority) -> pb.SetNodePriorityReq:
    return pb.SetNodePriorityReq(priority=value.priority)


def _decode_priority(message: pb.SetNodePriorityReq) -> NodePriority:
    return NodePriority(message.priority)


_SERVICE = Service(OPERATIONS)

_SCAVENGE = Codec(pb.ScavengeResp, _encode_scavenge, _decode_scavenge)
_START = Codec(pb.StartScavengeReq, options_codec(pb.StartScavengeReq, StartScavenge).encode, _decode_start)
_PRIORITY = Codec(pb.SetNodePriorityReq, _encode_priority, _decode_priority)

START_SCAVENGE = _SERVICE.method("StartScavenge", _START, _SCAVENGE)
STOP_SCAVENGE = _SERVICE.method("StopScavenge", options_codec(pb.StopScavengeReq, StopScavenge), _SCAVENGE)
SHUTDOWN = _SERVICE.method("Shutdown", NOTHING, NOTHING)
MERGE_INDEXES = _SERVICE.method("MergeIndexes", NOTHING, NOTHING)
RESIGN_NODE = _SERVICE.method("ResignNode", NOTHING, NOTHING)
SET_NODE_PRIORITY = _SERVICE.method("SetNodePriority", _PRIORITY, NOTHING)
RESTART_PERSISTENT_SUBSCRIPTIONS = _SERVICE.method("RestartPersistentSubscriptions", NOTHING, NOTHING)
