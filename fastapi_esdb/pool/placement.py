"""Which kind of node a call goes to. A pure decision; `groups` carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi_esdb.settings.node_preference import NodePreference
from fastapi_esdb.wire.group_methods import READ_GROUP
from fastapi_esdb.wire.projection_methods import CREATE_PROJECTION
from fastapi_esdb.wire.reads import READ

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.method import Method

ONLY_AT_THE_LEADER = frozenset({READ_GROUP.service, CREATE_PROJECTION.service})
"""Services that other nodes refuse, or leave without an answer (projections). They pass on nothing but writes."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where calls go in a cluster: `usual` is what the node preference says, `reads` where streams are read."""

    usual: NodePreference
    reads: NodePreference

    @classmethod
    def of(cls, settings: EsdbSettings) -> Placement:
        """What the settings say."""
        usual = settings.target.options.node_preference
        return cls(usual, settings.read_preference or usual)

    def preferred(self, method: Method[Any, Any], options: CallOptions) -> NodePreference:
        """The kind of node for a call."""
        if options.requires_leader or method.service in ONLY_AT_THE_LEADER:
            return NodePreference.LEADER
        if method.path == READ.path:
            return options.read_preference or self.reads
        return self.usual
