"""The headers that calls carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.secrecy import authorization_of
from fastapi_esdb.settings.node_preference import NodePreference
from fastapi_esdb.wire.metadata import CallHeaders, CallMetadata

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import Credentials
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
        """The headers of one call. Writes are for the leader, unless the call says otherwise."""
        leader = options.requires_leader
        if leader is None and method.writes and self._writes_need_leader:
            leader = True
        return self._make(options.credentials, leader) if options.credentials else self._usual[leader]

    def _make(self, user: Credentials | None, leader: bool | None) -> CallHeaders:
        metadata = CallMetadata(authorization_of(user), leader, self._connection_name)
        return CallHeaders(metadata.pairs())
