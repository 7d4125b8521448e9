"""The settings' say in each call: its headers, and the kind of node that it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.preflight import authorization_of
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.wire.headers import CallHeaders, KnownHeaders
from fastapi_esdb.wire.method import GROUPS, OPERATIONS, PROJECTIONS
from fastapi_esdb.wire.streams.methods import READ

if TYPE_CHECKING:
    from fastapi_esdb.connection.caller import CallOptions
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import AnyCredentials
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.method import Method


class Headers:
    """Makes the headers of each call: who calls, whether only the leader may answer, and the connection's name."""

    def __init__(self, target: ConnectionString, name: str) -> None:
        # with one node and no others to look for, that node passes writes on unless the leader was asked for
        self._writes_need_leader = target.discover or target.options.node_preference is NodePreference.LEADER
        self._connection_name = target.options.connection_name or name
        # every call carries one of these three, unless it has credentials of its own
        self._usual = {leader: self._make(target.credentials, leader) for leader in (None, True, False)}

    def of(self, method: Method[Any, Any], options: CallOptions) -> CallHeaders:
        """Return the headers of a call. Writes are for the leader, unless the call says otherwise."""
        leader = options.requires_leader
        if leader is None and method.writes and self._writes_need_leader:
            leader = True
        return self._make(options.credentials, leader) if options.credentials else self._usual[leader]

    def _make(self, user: AnyCredentials | None, leader: bool | None) -> CallHeaders:
        known = KnownHeaders(authorization_of(user), leader, self._connection_name)
        return CallHeaders(known.pairs())


LEADER = NodePreference.LEADER
ONLY_AT_THE_LEADER = frozenset({GROUPS, PROJECTIONS})
"""Services that other nodes refuse, or leave without an answer (projections). They pass on nothing but writes."""

RESIGN_NODE = "ResignNode"
"""The operation that is about the node that leads."""


def is_for_leader(method: Method[Any, Any]) -> bool:
    """Return whether the call goes to the leader unless its caller says otherwise.

    Other nodes pass writes on, and one that has just lost its leader has nobody to pass them to: the caller waits for
    five seconds then, and does not know what has become of the write. Operations are about the node that gets them.
    """
    if method.service == OPERATIONS:
        return method.name == RESIGN_NODE
    return method.writes or method.service in ONLY_AT_THE_LEADER


@dataclass(frozen=True, slots=True)
class Placement:
    """The kinds of node that calls go to in a cluster: `usual` is the node preference, `reads` is for reading streams.

    Writes go to the leader in any case, except for those with `requires_leader=False`.
    """

    usual: NodePreference
    reads: NodePreference

    @classmethod
    def of(cls, settings: EsdbSettings) -> Placement:
        """Return the placement that the settings ask for."""
        usual = settings.target.options.node_preference
        return cls(usual, settings.read_preference or usual)

    def preferred(self, method: Method[Any, Any], options: CallOptions) -> NodePreference:
        """Return the kind of node that a call goes to."""
        leader = options.requires_leader
        if method.path == READ.path and not leader:
            return options.read_preference or self.reads
        if leader or (leader is None and is_for_leader(method)) or method.service in ONLY_AT_THE_LEADER:
            return LEADER
        return self.usual
