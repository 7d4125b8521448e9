"""Following a leader: taking over its log."""

from __future__ import annotations

from collections.abc import Callable

from fastapi_esdb.embedded.cluster.messages import Append, Appended, Attach, Attached, Message
from fastapi_esdb.embedded.cluster.timing import HEARTBEAT
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase


class Following:
    """A follower of one leader, in one term.

    First it asks where its log and the leader's part, and takes back what it has behind that. From then on its log is
    the beginning of the leader's.
    """

    def __init__(self, leader: int, term: int, log: ReplicatedDatabase, send: Callable[[Message], None]) -> None:
        self.leader = leader
        self.term = term
        self.is_attached = False
        self._log = log
        self._send = send
        self._asked: float | None = None
        self._goal: int | None = None

    @property
    def is_caught_up(self) -> bool:
        """Return whether it has all that was durable when it asked, so that it lacks nothing durable."""
        return self._goal is not None and self._log.log_end >= self._goal

    def append(self, message: Append) -> None:
        """Add to the log what the leader sends, unless there is a gap before it."""
        if not self.is_attached or message.start > self._log.received_end:
            self._ask(message.sent)
            return
        news = message.section.since(self._log.received_end)
        if news.rows:
            self._log.apply(news)
        self._log.publish(max(self._log.durable_end, min(message.durable, self._log.log_end)))
        self._send(Appended(self.term, self._log.received_end, message.sent))

    def attach(self, message: Attached) -> None:
        """Go on from where the logs part."""
        if self.is_attached:
            return
        self._log.truncate(message.start)
        self.is_attached = True
        self._goal = message.end

    def _ask(self, now: float) -> None:
        """Ask where to begin, and again if no answer comes. The time is the leader's."""
        self.is_attached = False
        if self._asked is None or now - self._asked >= HEARTBEAT:
            self._asked = now
            self._send(Attach(self.term, self._log.extent))
