"""A node's knowledge of the others: who they are, and whether they live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi_esdb.embedded.cluster.messages import Presence
from fastapi_esdb.embedded.cluster.timing import DEAD_AFTER
from fastapi_esdb.wire.admin.cluster import Member, NodeState
from fastapi_esdb.wire.errors import NotLeader


@dataclass(slots=True)
class _Entry:
    presence: Presence
    heard: float
    is_lost: bool = False


class Roster:
    """The nodes that have shown up, by number."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[int, _Entry] = {}

    def note(self, node: int, presence: Presence) -> None:
        """Take note of a node that says who it is, and that it lives."""
        self._entries[node] = _Entry(presence, self._now())

    def lost(self, node: int) -> None:
        """Take note that the process of a node has ended."""
        if entry := self._entries.get(node):
            entry.is_lost = True

    def not_leader(self, leader: int) -> NotLeader | None:
        """Return the error that sends a client to the leader; `None` if that one is not known yet."""
        entry = self._entries.get(leader)
        if entry is None:
            return None
        presence = entry.presence
        return NotLeader(presence.host, presence.port, str(presence.instance_id))

    def members(self, leader: int | None, time: datetime) -> Iterator[Member]:
        """Return all of them. The leader counts as alive until it is given up, as with real nodes.

        What is dead has no state any more. Only a leader that is dead and not given up yet is still told of as one.
        """
        for node, entry in self._entries.items():
            is_silent = self._now() - entry.heard > DEAD_AFTER
            is_gone = node != leader and (entry.is_lost or is_silent)
            presence = replace(entry.presence, state=NodeState.UNKNOWN) if is_gone else entry.presence
            yield member_of(presence, time, is_alive=not (is_gone or is_silent))


def member_of(presence: Presence, time: datetime, *, is_alive: bool) -> Member:
    """Return a node as gossip describes it."""
    return Member(presence.instance_id, time, presence.state, is_alive, presence.host, presence.port)
