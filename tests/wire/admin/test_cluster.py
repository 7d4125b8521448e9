from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb.wire.admin.cluster import (
    GOSSIP,
    SUPPORTED_METHODS,
    ClusterInfo,
    Member,
    NodeState,
    SupportedMethod,
    SupportedMethods,
)
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.proto.v1 import gossip_pb2
from tests.wire.comparing import check

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
TIME = datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)
TICKS = 17_000_000_001_234_560

CLUSTERS: list[tuple[ClusterInfo, bytes]] = [
    (ClusterInfo(()), b""),
    (
        ClusterInfo(
            (
                Member(ID, TIME, NodeState.LEADER, True, "127.0.0.1", 2113),
                Member(UUID(int=1), TIME, NodeState.FOLLOWER, False, "h", 1),
            )
        ),
        (
            b"\n5\n\x16\n\x14\x08\xf7\xcc\xd5\xa2\xb4\xc6\xc8\x08\x10\xff\xdd\xf7\xe6\xbc\xd7\xea\xcc\x88\x01"
            b"\x10\x80\xad\x85\x8a\x8f\xad\x99\x1e\x18\x08 \x01*\x0e\n\t127.0.0.1\x10\xc1\x10\n\x18\n\x04\n"
            b"\x02\x10\x01\x10\x80\xad\x85\x8a\x8f\xad\x99\x1e\x18\x06*\x05\n\x01h\x10\x01"
        ),
    ),
]

METHODS: list[tuple[SupportedMethods, bytes]] = [
    (SupportedMethods("24.6.0", ()), b"\x12\x0624.6.0"),
    (
        SupportedMethods(
            "26.1.0", (SupportedMethod("s.s", "read", ("position", "events")), SupportedMethod("s.s", "append"))
        ),
        (b"\n\x1d\n\x04read\x12\x03s.s\x1a\x08position\x1a\x06events\n\r\n\x06append\x12\x03s.s\x12\x0626.1.0"),
    ),
]


@pytest.mark.parametrize(("info", "data"), CLUSTERS, ids=["nobody", "two members"])
def test_a_cluster_has_its_bytes(info: ClusterInfo, data: bytes) -> None:
    """Members come with their ids in halves, as servers send them in gossip whatever the caller prefers."""
    check(GOSSIP.response, info, data)


@pytest.mark.parametrize(("supported", "data"), METHODS, ids=["nothing", "two methods"])
def test_the_supported_methods_have_their_bytes(supported: SupportedMethods, data: bytes) -> None:
    """The version and each method with its features stand in the fields that the protocol has for them."""
    check(SUPPORTED_METHODS.response, supported, data)


@pytest.mark.parametrize("method", [GOSSIP, SUPPORTED_METHODS], ids=repr)
def test_nothing_is_asked(method: Method[None, Any]) -> None:
    """Both calls go out with an empty request."""
    check(method.request, None, b"")


def test_each_state_of_a_node_is_known_by_the_protocols_number() -> None:
    """The states are those of the protocol, number by number and name by name."""
    named = {state.name.replace("_", "").lower(): state.value for state in NodeState}
    assert named == {name.lower(): number for name, number in gossip_pb2.MemberInfo.VNodeState.items()}


def test_a_newer_server_may_tell_more_or_less() -> None:
    """A state without a name here is unknown, a member without an address has an empty one; neither is an error."""
    info = gossip_pb2.ClusterInfo(members=[{"instance_id": {"string": str(ID)}, "time_stamp": TICKS, "state": 99}])
    assert GOSSIP.response.decode(info).members == (Member(ID, TIME, NodeState.UNKNOWN, False, "", 0),)
