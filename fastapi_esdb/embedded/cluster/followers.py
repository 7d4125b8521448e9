"""A leader's knowledge of its followers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi_esdb.embedded.cluster.ballot import majority


class Progress:
    """The progress of one follower.

    Its log is the leader's up to `end`, and the leader has sent it what comes before `next`; `None` until it has asked
    where to begin, at `began`. `heard` is when the leader sent the newest message that the follower has answered.
    """

    def __init__(self, now: float) -> None:
        self.heard = now
        self.end = 0
        self.next: int | None = None
        self._began = now

    @property
    def unanswered(self) -> int:
        """The number of bytes of the log that were sent and not answered."""
        return 0 if self.next is None else self.next - self.end

    def begin(self, start: int, now: float) -> None:
        """Take note that the follower begins anew."""
        self.end = self.next = start
        self._began = now

    def note(self, end: int, sent: float) -> None:
        """Take note of an answer. One to what was sent before it began anew may be another process's."""
        self.heard = max(self.heard, sent)
        if sent >= self._began:
            self.end = max(self.end, end)


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
        """Return the position up to which most nodes have the log; the leader's own ends at `log_end`."""
        ends = sorted([log_end, *(progress.end for progress in self._progress.values())], reverse=True)
        return ends[self._majority - 1]

    def heard(self, now: float) -> float:
        """Return the last time at which the leader surely led: most nodes have answered what it sent then."""
        times = sorted([now, *(progress.heard for progress in self._progress.values())], reverse=True)
        return times[self._majority - 1]

    def foremost(self, heard_since: float) -> int | None:
        """Return the follower whose log goes farthest, of those that answered since then."""
        living = [node for node, progress in self._progress.items() if progress.heard >= heard_since]
        return max(living, key=lambda node: self._progress[node].end, default=None)
