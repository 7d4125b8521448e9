"""Gossip.Read and ServerFeatures.GetSupportedMethods: information about the cluster and about a node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi_esdb.wire.codec.scalars import (
    NOTHING,
    Fields,
    OpenEnum,
    decode_ticks,
    decode_uuid,
    encode_ticks,
    encode_uuid,
)
from fastapi_esdb.wire.errors import NoAnswer
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.proto.v1 import gossip_pb2, serverfeatures_pb2

MOST_MEMBERS = 100
"""More members than any cluster has: a few nodes, and some read-only replicas."""

LONGEST_NAME = 255
"""Characters that the name of a host can have, by the rules of DNS."""


class NodeState(OpenEnum):
    """The state of a node. The values are the numbers of the protocol."""

    INITIALIZING = 0
    DISCOVER_LEADER = 1
    UNKNOWN = 2
    PRE_REPLICA = 3
    CATCHING_UP = 4
    CLONE = 5
    FOLLOWER = 6
    PRE_LEADER = 7
    LEADER = 8
    MANAGER = 9
    SHUTTING_DOWN = 10
    SHUTDOWN = 11
    READ_ONLY_LEADERLESS = 12
    PRE_READ_ONLY_REPLICA = 13
    READ_ONLY_REPLICA = 14
    RESIGNING_LEADER = 15


REPLICAS = (NodeState.READ_ONLY_REPLICA, NodeState.PRE_READ_ONLY_REPLICA, NodeState.READ_ONLY_LEADERLESS)
USABLE = (NodeState.LEADER, NodeState.FOLLOWER, *REPLICAS)
"""States in which a node answers. In all others it is starting, stopping, or changing its role."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node of the cluster as another node sees it. `host` and `port` are its address for clients."""

    instance_id: UUID
    time_stamp: datetime
    state: NodeState
    is_alive: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """The nodes that a node knows, itself included."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class SupportedMethod:
    """A call that the server supports; `service` (with its package) and `name` are in lower case."""

    service: str
    name: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SupportedMethods:
    """The version of a server, as three numbers such as "24.6.0", and the calls that it supports."""

    version: str
    methods: tuple[SupportedMethod, ...]


def _encode_cluster(info: ClusterInfo) -> gossip_pb2.ClusterInfo:
    return gossip_pb2.ClusterInfo(members=[_encode_member(member) for member in info.members])


def _encode_member(member: Member) -> Fields:
    return {
        "instance_id": encode_uuid(member.instance_id, structured=True),
        "time_stamp": encode_ticks(member.time_stamp),
        "state": member.state.value,
        "is_alive": member.is_alive,
        "http_end_point": {"address": member.host, "port": member.port},
    }


def _decode_cluster(message: gossip_pb2.ClusterInfo) -> ClusterInfo:
    if len(message.members) > MOST_MEMBERS:
        raise NoAnswer(f"it names {len(message.members)} members, more than the {MOST_MEMBERS} that are believed")
    return ClusterInfo(tuple(_decode_member(member) for member in message.members))


def _decode_member(message: gossip_pb2.MemberInfo) -> Member:
    if len(message.http_end_point.address) > LONGEST_NAME:
        raise NoAnswer(f"it names a host of {len(message.http_end_point.address)} characters")
    return Member(
        instance_id=decode_uuid(message.instance_id),
        time_stamp=decode_ticks(message.time_stamp),
        state=NodeState(message.state),
        is_alive=message.is_alive,
        host=message.http_end_point.address,
        port=message.http_end_point.port,
    )


def _encode_methods(supported: SupportedMethods) -> serverfeatures_pb2.SupportedMethods:
    methods = [{"service_name": m.service, "method_name": m.name, "features": m.features} for m in supported.methods]
    return serverfeatures_pb2.SupportedMethods(event_store_server_version=supported.version, methods=methods)


def _decode_methods(message: serverfeatures_pb2.SupportedMethods) -> SupportedMethods:
    methods = (SupportedMethod(m.service_name, m.method_name, tuple(m.features)) for m in message.methods)
    return SupportedMethods(message.event_store_server_version, tuple(methods))


GOSSIP: Method[None, ClusterInfo] = Method(
    "event_store.client.gossip.Gossip",
    "Read",
    Shape.UNARY,
    NOTHING,
    Codec(gossip_pb2.ClusterInfo, _encode_cluster, _decode_cluster),
)

SUPPORTED_METHODS: Method[None, SupportedMethods] = Method(
    "event_store.client.server_features.ServerFeatures",
    "GetSupportedMethods",
    Shape.UNARY,
    NOTHING,
    Codec(serverfeatures_pb2.SupportedMethods, _encode_methods, _decode_methods),
    since="21.10",
)
