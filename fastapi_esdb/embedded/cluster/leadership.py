"""Leading: winning an election, having the others take over the log, and telling what is durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from fastapi_esdb.embedded.cluster.messages import Append, Appended, Attach, Attached, Message, TakeOver
from fastapi_esdb.embedded.cluster.timing import HEARTBEAT, LEASE
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.embedded.store.transactions import NOTHING, Section

BATCH = 128 * 1024
"""Bytes of the log in one message, unless a record is larger."""

BURST = 2
"""Messages that are sent at once. Each answer to one of them allows as many more, until the window is full."""

WINDOW = 8 * 1024 * 1024
"""Bytes that a follower may be behind with its answers before it gets nothing more."""


def majority(nodes: int) -> int:
    """Return the number of nodes that is more than half of them."""
    return nodes // 2 + 1


def next_term(me: int, nodes: int, newest: int) -> int:
    """Return the next term that this node may lead. No two nodes ever ask for votes for the same term."""
    return newest + 1 + (me - newest - 1) % nodes


@dataclass(slots=True)
class Ballot:
    """The votes that a candidate has got for a term, its own among them.

    A node that has lost its memory may have acknowledged what it knows nothing of any more, and its vote says little.
    So most of the nodes that have not must vote for the candidate, or else every single one: then there is no better
    log anywhere. That is how a new cluster begins, and one that has lost too many nodes at once.
    """

    term: int
    nodes: int
    whole: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)

    def add(self, node: int, *, is_whole: bool) -> None:
        (self.whole if is_whole else self.others).add(node)

    @property
    def is_won(self) -> bool:
        return len(self.whole) >= majority(self.nodes) or len(self.whole | self.others) == self.nodes


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


class Leadership:
    """The leader of one term. It begins with a record of its own, and is ready when that one is durable.

    What former leaders have written is so by then, too: most nodes have it, and each of them prefers leaders that do.
    """

    def __init__(
        self,
        term: int,
        log: ReplicatedDatabase,
        others: Iterable[int],
        send: Callable[[int, Message], None],
        now: Callable[[], float],
    ) -> None:
        self.term = term
        self.is_over = False
        self.successor: int | None = None
        self._log = log
        self._followers = Followers(others, now())
        self._send = send
        self._now = now
        log.begin_epoch(term)
        self._ready_at = log.log_end
        self._advance()
        self.beat()

    @property
    def is_ready(self) -> bool:
        """Return whether the log is known to be durable up to where this leader began."""
        return self._log.durable_end >= self._ready_at

    @property
    def is_valid(self) -> bool:
        """Return whether nobody else can lead by now. A process that was frozen asks this before it does anything."""
        now = self._now()
        return now - self._followers.heard(now) <= LEASE

    def tick(self) -> None:
        """Do what is due at this time."""
        if self._now() - self._beaten >= HEARTBEAT:
            self.beat()

    def beat(self) -> None:
        """Tell all that the leader lives."""
        self._beaten = self._now()
        for node in self._followers:
            self._tell(node)

    def replicate(self) -> None:
        """Send to the followers what was written to the log."""
        self._advance()
        for node in self._followers:
            self._pass_on(node)

    def attach(self, node: int, message: Attach) -> None:
        """Tell a follower where to begin, and forget its progress: that may be of a process that has ended since."""
        progress = self._followers[node]
        progress.begin(self._log.extent.common_end(message.extent), self._now())
        self._send(node, Attached(self.term, progress.end, self._log.log_end))
        self._tell(node)

    def appended(self, node: int, message: Appended) -> None:
        """Take note that a follower has more of the log."""
        self._followers[node].note(message.end, message.sent)
        self._advance()
        self._pass_on(node)
        self._hand_over()

    def resign(self, successor: int | None = None) -> bool:
        """Hand over to a follower as soon as it has the whole log; without a number to the foremost one that lives.

        Nothing may be written from now on; `stay` takes it back.
        """
        self.successor = self._followers.foremost(self._now() - LEASE) if successor is None else successor
        self._hand_over()
        return self.successor is not None

    def stay(self) -> None:
        """Go on leading: the successor could not take over."""
        self.successor = None

    def _hand_over(self) -> None:
        if self.successor is not None and not self.is_over and self._is_complete(self.successor):
            self.is_over = True
            self._send(self.successor, TakeOver(self.term))

    def _is_complete(self, node: int) -> bool:
        return self._followers[node].end == self._log.log_end == self._log.durable_end

    def _advance(self) -> None:
        """Find out what is durable. Records of former leaders are so only together with one of this leader."""
        durable = self._log.whole_before(self._followers.replicated(self._log.log_end))
        if durable >= self._ready_at and durable > self._log.durable_end:
            self._log.publish(durable)
            for node in self._followers:
                self._tell(node)

    def _tell(self, node: int) -> None:
        """Send at least a sign of life."""
        if not self._pass_on(node):
            next_ = self._followers[node].next
            self._append(node, self._log.log_end if next_ is None else next_, NOTHING)

    def _pass_on(self, node: int) -> bool:
        """Send what the follower lacks, as far as the window goes. Return whether there was anything."""
        progress, has_sent = self._followers[node], False
        for _ in range(BURST):
            if progress.next is None or progress.next >= self._log.log_end or progress.unanswered >= WINDOW:
                break
            section = self._log.section(progress.next, BATCH)
            self._append(node, progress.next, section)
            progress.next, has_sent = section.end, True
        return has_sent

    def _append(self, node: int, start: int, section: Section) -> None:
        self._send(node, Append(self.term, start, section, self._log.durable_end, self._now()))
