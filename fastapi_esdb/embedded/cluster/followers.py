"""What a leader knows of its followers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastapi_esdb.embedded.cluster.ballot import majority


@dataclass(slots=True)
class Progress:
    """How far a follower is.

    Its log is the leader's up to `end`, and the leader has sent it what comes before `next`; `None` until it has asked
    where to begin. `heard` is when the leader sent the newest message that the follower has answered.
    """

    heard: float
    end: int = 0
    next: int | None = None


class Followers:
    """The progress of all of them."""

    def __init__(self, nodes: Iterable[int], now: float) -> None:
        self._progress = {node: Progress(now) for node in nodes}
        self._majority = majority(len(self._progress) + 1)

    def __getitem__(self, node: int) -> Progress:
        return self._progress[node]

    def __iter__(self) -> Iterator[int]:
        return iter(self._progress)

    def replicated(self, log_end: int) -> int:
        """What comes before this position is in the logs of most nodes; the leader's own ends at `log_end`."""
        ends = sorted([log_end, *(progress.end for progress in self._progress.values())], reverse=True)
        return ends[self._majority - 1]

    def heard(self, now: float) -> float:
        """When the leader was surely the leader for the last time: most nodes have answered what it sent then."""
        times = sorted([now, *(progress.heard for progress in self._progress.values())], reverse=True)
        return times[self._majority - 1]

    def foremost(self, heard_since: float) -> int | None:
        """The follower whose log goes farthest, of those that answered since then."""
        living = [node for node, progress in self._progress.items() if progress.heard >= heard_since]
        return max(living, key=lambda node: self._progress[node].end, default=None)
