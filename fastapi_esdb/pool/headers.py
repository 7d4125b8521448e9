"""The headers that calls carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi_esdb.settings.node_preference import NodePreference
from fastapi_esdb.wire.metadata import CallMetadata, basic

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import Credentials
    from fastapi_esdb.wire.method import Method


class Headers:
    """Makes the headers of each call: who calls, whether only the leader may answer, and the connection's name."""

    def __init__(self, target: ConnectionString, name: str) -> None:
        options = target.options
        self._authorization = _authorization(target.credentials)
        self._writes_need_leader = options.node_preference is NodePreference.LEADER
        self._connection_name = options.connection_name or name

    def of(self, method: Method[Any, Any], options: CallOptions) -> Sequence[tuple[str, str]]:
        """The headers of one call. As in the official clients, writes go to the leader if it is the preferred node."""
        own = options.credentials
        leader = options.requires_leader
        if leader is None and method.writes and self._writes_need_leader:
            leader = True
        authorization = self._authorization if own is None else _authorization(own)
        return CallMetadata(authorization, leader, self._connection_name).pairs()


def _authorization(credentials: Credentials | None) -> str | None:
    return basic(credentials.username, credentials.password.get_secret_value()) if credentials else None
