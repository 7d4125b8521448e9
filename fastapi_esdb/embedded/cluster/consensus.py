"""Electing the leader: one node a term, by most nodes, with everything in its log that is durable.

The rules are those of Raft, with three things made simpler. A node may only ever ask for votes for terms of its own, so
that a term has one leader whatever else happens. A candidate keeps its own term until it has won, and nobody votes
while a leader lives: nodes that were away disturb nobody. And since nodes forget everything when their process ends,
those that have done so vote with less weight until they have the log again (`Ballot`).

Nothing here knows of sockets or tasks: messages and the time come in, messages go out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi_esdb.embedded.cluster.leadership import Ballot, Leadership, next_term
from fastapi_esdb.embedded.cluster.messages import (
    Append,
    Appended,
    Ask,
    Attach,
    Attached,
    Message,
    Outdated,
    Presence,
    TakeOver,
    Vote,
)
from fastapi_esdb.embedded.cluster.timing import AFTER_LOSS, AFTER_VOTE, BETWEEN_TRIES, HEARTBEAT, SILENCE, Span
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.wire.admin.cluster import NodeState


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


class Consensus:
    """One node's part in the consensus.

    Args:
        me: the number of the node, from 0 on.
        nodes: how many there are.
        log: an open database.
        send: takes messages to other nodes, which may get lost.
        now: the time in seconds; it goes on while the process is frozen.
        choose: a time between two.
    """

    def __init__(
        self,
        me: int,
        nodes: int,
        log: ReplicatedDatabase,
        *,
        send: Callable[[int, Message], None],
        now: Callable[[], float],
        choose: Callable[[Span], float],
    ) -> None:
        self.me = me
        self.term = 0
        self.leading: Leadership | None = None
        self.following: Following | None = None
        self.is_whole = False
        self._nodes = nodes
        self._others = [node for node in range(nodes) if node != me]
        self._log = log
        self._send = send
        self._now = now
        self._choose = choose
        self._ballot: Ballot | None = None
        self._newest_term = 0
        self._is_leader_lost = False
        self._deadline = now() + choose(BETWEEN_TRIES)

    @property
    def leader(self) -> int | None:
        """The node that this one takes for the leader."""
        if self.leading:
            return self.me
        return self.following.leader if self.following else None

    @property
    def state(self) -> NodeState:
        """The state that the node tells others it is in."""
        if self.leading:
            return self._leading_state(self.leading)
        if self.following:
            return self._following_state(self.following)
        return NodeState.UNKNOWN if self.term else NodeState.INITIALIZING

    @property
    def may_write(self) -> bool:
        """Return whether records can be added to the log here."""
        leading = self.leading
        return leading is not None and leading.is_ready and leading.is_valid and leading.successor is None

    def tick(self) -> None:
        """Do what is due at this time."""
        self._check_leading()
        if self.leading:
            self.leading.tick()
        elif self._now() >= self._deadline:
            self.campaign()

    def lost(self, node: int) -> None:
        """Take note that the process of a node has ended."""
        if self.following and self.following.leader == node:
            self._is_leader_lost = True
            self._deadline = min(self._deadline, self._now() + self._choose(AFTER_LOSS))

    def campaign(self, *, is_forced: bool = False) -> None:
        """Ask for votes."""
        if self.leading:
            return
        self.following = None
        self._newest_term = next_term(self.me, self._nodes, max(self._newest_term, self.term))
        self._ballot = Ballot(self._newest_term, self._nodes)
        self._wait(BETWEEN_TRIES)
        self._count(self._ballot, self.me, is_whole=self.is_whole)
        for node in self._others:
            self._send(node, Ask(self._newest_term, self._log.extent.rank, is_forced))

    def resign(self, successor: int | None = None) -> bool:
        """Hand over once the successor has the whole log. Return whether this node leads and has a successor.

        Nothing can be written from now on, until `stay`.
        """
        self._check_leading()
        return self.leading is not None and self.leading.resign(successor)

    def stay(self) -> None:
        """Go on leading after all, if this node still does."""
        if self.leading:
            self.leading.stay()

    def receive(self, node: int, message: Message) -> None:
        """Take a message from another node."""
        self._check_leading()
        match message:
            case Ask():
                self._vote(node, message)
            case Vote():
                self._take_vote(node, message)
            case Append():
                self._append(node, message)
            case Outdated():
                self._take_outdated(message)
            case Appended() | Attach() | Attached() | TakeOver() if message.term == self.term:
                self._receive_in_term(node, message)
            case Presence() | Appended() | Attach() | Attached() | TakeOver():
                pass  # of no meaning here, or of a term that is over

    def _receive_in_term(self, node: int, message: Appended | Attach | Attached | TakeOver) -> None:
        if self.leading and isinstance(message, Appended):
            self.leading.appended(node, message)
        elif self.leading and isinstance(message, Attach):
            self.leading.attach(node, message)
        elif self.following and isinstance(message, Attached):
            self.following.attach(message)
        elif self.following and isinstance(message, TakeOver):
            self.campaign(is_forced=True)

    def _vote(self, node: int, message: Ask) -> None:
        is_better = message.term > self.term and message.rank >= self._log.extent.rank
        is_granted = is_better and (message.is_forced or not self._has_leader())
        if is_granted:
            self._let_go(message.term)
        self._send(node, Vote(message.term, is_granted, self.is_whole, self.term))

    def _take_vote(self, node: int, message: Vote) -> None:
        self._newest_term = max(self._newest_term, message.known_term)
        if self._ballot and message.is_granted and message.term == self._ballot.term:
            self._count(self._ballot, node, is_whole=message.is_whole)

    def _count(self, ballot: Ballot, node: int, *, is_whole: bool) -> None:
        ballot.add(node, is_whole=is_whole)
        if ballot.is_won:
            self._let_go(ballot.term)
            self.is_whole = True
            self.leading = Leadership(self.term, self._log, self._others, self._send, self._now)

    def _append(self, leader: int, message: Append) -> None:
        if message.term < self.term:
            self._send(leader, Outdated(self.term))
            return
        if self.following is None or message.term > self.term:
            self._let_go(message.term)
            self.following = Following(leader, message.term, self._log, partial(self._send, leader))
        self._is_leader_lost = False
        self._wait(SILENCE)
        self.following.append(message)
        self.is_whole = self.is_whole or self.following.is_caught_up

    def _take_outdated(self, message: Outdated) -> None:
        self._newest_term = max(self._newest_term, message.term)
        if message.term > self.term:
            self._let_go(self.term)

    def _check_leading(self) -> None:
        """Stop leading if that time is over; comes before anything else, since it may have been over for long."""
        if self.leading and (self.leading.is_over or not self.leading.is_valid):
            self._let_go(self.term)

    def _has_leader(self) -> bool:
        """Return whether there is a leader that seems to live."""
        if self.following:
            return not self._is_leader_lost and self._now() < self._deadline
        return self.leading is not None

    def _let_go(self, term: int) -> None:
        """Neither lead nor follow, and wait for the leader of this term."""
        self.term = term
        self.leading = self.following = self._ballot = None
        self._wait(AFTER_VOTE)

    def _wait(self, span: Span) -> None:
        """Ask for votes after this time, unless something else comes up."""
        self._deadline = self._now() + self._choose(span)

    def _leading_state(self, leading: Leadership) -> NodeState:
        if leading.successor is not None:
            return NodeState.RESIGNING_LEADER
        return NodeState.LEADER if leading.is_ready else NodeState.PRE_LEADER

    def _following_state(self, following: Following) -> NodeState:
        if not following.is_attached:
            return NodeState.PRE_REPLICA
        if following.is_caught_up:
            return NodeState.FOLLOWER
        return NodeState.CATCHING_UP if self.is_whole else NodeState.CLONE
