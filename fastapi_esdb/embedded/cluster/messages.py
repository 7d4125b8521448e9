"""The messages between the nodes of a cluster. One may get lost; those between two nodes keep their order."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi_esdb.embedded.store.transactions import Extent, Section
from fastapi_esdb.wire.admin.cluster import NodeState


@dataclass(frozen=True, slots=True)
class Ask:
    """A candidate asks for a vote for a term; `rank` is that of its log.

    `is_forced` where the leader itself wants to hand over: nobody is to wait and see whether it still lives.
    """

    term: int
    rank: tuple[int, int]
    is_forced: bool


@dataclass(frozen=True, slots=True)
class Vote:
    """The answer for a term. `known_term` is the newest one that the voter knows.

    The vote of a node that is not `is_whole`, since it has lost its log and has not all of it again, counts less.
    """

    term: int
    is_granted: bool
    is_whole: bool
    known_term: int


@dataclass(frozen=True, slots=True)
class Append:
    """The leader of a term lives; with a section of its log from `start` on, and where what is durable ends.

    `sent` is its clock, which the answer repeats.
    """

    term: int
    start: int
    section: Section
    durable: int
    sent: float


@dataclass(frozen=True, slots=True)
class Appended:
    """The answer: the follower's log is the leader's up to `end`, which may lie within a write."""

    term: int
    end: int
    sent: float


@dataclass(frozen=True, slots=True)
class Outdated:
    """The answer to the leader of a former term."""

    term: int


@dataclass(frozen=True, slots=True)
class Attach:
    """A follower asks its leader where their logs part, and to go on from there."""

    term: int
    extent: Extent


@dataclass(frozen=True, slots=True)
class Attached:
    """The answer: at `start`. Whoever has the leader's log up to `end` has everything that can be durable by now."""

    term: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The leader asks a follower that has all of its log to be the next leader."""

    term: int


@dataclass(frozen=True, slots=True)
class Presence:
    """A node's identity, its address for clients, and what it is doing."""

    instance_id: UUID
    host: str
    port: int
    state: NodeState


Message = Ask | Vote | Append | Appended | Outdated | Attach | Attached | TakeOver | Presence
