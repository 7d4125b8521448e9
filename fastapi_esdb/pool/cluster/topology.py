"""Decisions about the members of a cluster: which may be used, the best first."""

from __future__ import annotations

import random
from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.hosts import Host, host_named
from fastapi_esdb.wire.admin.cluster import REPLICAS, USABLE, NodeState

if TYPE_CHECKING:
    from fastapi_esdb.wire.admin.cluster import Member

PREFERRED: Mapping[NodePreference, Sequence[NodeState]] = MappingProxyType(
    {
        NodePreference.LEADER: (NodeState.LEADER,),
        NodePreference.FOLLOWER: (NodeState.FOLLOWER,),
        NodePreference.READ_ONLY_REPLICA: REPLICAS,
        NodePreference.RANDOM: (),
    }
)
"""The states that a preference asks for, the best first."""

NOBODY: Container[Host] = ()


def candidates(
    members: Sequence[Member],
    preference: NodePreference,
    suspects: Container[Host] = NOBODY,
    chance: Callable[[], float] = random.random,
) -> list[Host]:
    """Return the hosts to connect to, the best first; none if the members are to be asked again.

    Nodes that are not alive don't count. The leader is the one there is: none and two mean that an election is under
    way. Every other preference is satisfied with any usable node where the preferred kind is missing. Suspects
    come last of their kind; which of two equals comes first is left to `chance`.
    """
    usable = [member for member in members if member.is_alive and member.state in USABLE]
    if preference is NodePreference.LEADER:
        leaders = [_host(member) for member in usable if member.state is NodeState.LEADER]
        return leaders if len(leaders) == 1 else []
    ranked = sorted(usable, key=lambda member: (_rank(member, preference), _host(member) in suspects, chance()))
    return [_host(member) for member in ranked]


def believable(members: Sequence[Member]) -> Sequence[Member]:
    """Return the members with a possible address. A single node needs none: it is reached as it was before."""
    if len(members) == 1:
        return members
    return [member for member in members if host_named(member.host, member.port)]


def hosts_of(members: Sequence[Member]) -> list[Host]:
    """Return the hosts that the members say they can be reached at, alive or not."""
    return [_host(member) for member in members]


def _host(member: Member) -> Host:
    return Host(member.host, member.port)


def _rank(member: Member, preference: NodePreference) -> int:
    states = PREFERRED[preference]
    return states.index(member.state) if member.state in states else len(states)
