"""Which kind of node a call goes to. A pure decision; `groups` carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi_esdb.settings.node_preference import NodePreference
from fastapi_esdb.wire.group_methods import READ_GROUP
from fastapi_esdb.wire.operations import RESIGN_NODE
from fastapi_esdb.wire.projection_methods import CREATE_PROJECTION
from fastapi_esdb.wire.reads import READ

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.method import Method

ONLY_AT_THE_LEADER = frozenset({READ_GROUP.service, CREATE_PROJECTION.service})
"""Services that other nodes refuse, or leave without an answer (projections). They pass on nothing but writes."""


def is_for_leader(method: Method[Any, Any]) -> bool:
    """Whether the call is made at the leader unless it is asked for elsewhere.

    Other nodes pass writes on, and one that has just lost its leader has nobody to pass them to: the caller waits for
    five seconds then, and does not know what has become of the write. Operations are about the node that gets them.
    """
    if method.service in ONLY_AT_THE_LEADER or method.path == RESIGN_NODE.path:
        return True
    return method.writes and method.service != RESIGN_NODE.service


@dataclass(frozen=True, slots=True)
class Placement:
    """Where calls go in a cluster: `usual` is what the node preference says, `reads` where streams are read.

    Writes go to the leader in any case, except for those with `requires_leader=False`.
    """

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
        if options.requires_leader is None and is_for_leader(method):
            return NodePreference.LEADER
        if method.path == READ.path:
            return options.read_preference or self.reads
        return self.usual
