"""Nodes that failed just now."""

from __future__ import annotations

from math import inf
from time import monotonic

from fastapi_esdb.settings.hosts import Host

LONGEST = 10.0
"""Seconds: twice as long as the other nodes go on calling one alive that is frozen (a dead one for about a second)."""


class Doubts:
    """The nodes not to be used because others name them.

    A doubt ends when the node has answered for itself since it failed, or when that is so long ago that the others
    know of it, too.
    """

    def __init__(self) -> None:
        self._since: dict[Host, float] = {}
        """For each node in doubt the moment (monotonic) from which on its own answer counts."""

    def __contains__(self, host: object) -> bool:
        return isinstance(host, Host) and monotonic() < self._since.get(host, -inf) + LONGEST

    def add(self, host: Host, rest: float) -> None:
        """It has failed, and is to be left alone for `rest` seconds."""
        self._since = {doubted: since for doubted, since in self._since.items() if doubted in self}
        self._since[host] = monotonic() + rest

    def answered(self, host: Host) -> None:
        """It says itself that it can be used."""
        if not self.is_resting(host):
            self._since.pop(host, None)

    def is_resting(self, host: Host) -> bool:
        """Whether it is left alone for now, whatever it says."""
        return monotonic() < self._since.get(host, -inf)
