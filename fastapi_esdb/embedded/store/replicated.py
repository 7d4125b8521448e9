"""The database of one node of a cluster: what is durable is decided together with the other nodes."""

from __future__ import annotations

import asyncio
from typing import Protocol

from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.committer import Committer, Listeners
from fastapi_esdb.embedded.store.database import SCAVENGED, Clock, Database
from fastapi_esdb.embedded.store.log import Draft, Log
from fastapi_esdb.embedded.store.names import FILLER
from fastapi_esdb.embedded.store.pages import ScavengedPage
from fastapi_esdb.embedded.store.storage import Storage, to_entry
from fastapi_esdb.embedded.store.transactions import Extent, Section, TransactionStorage, epoch_event
from fastapi_esdb.embedded.store.view import View
from fastapi_esdb.embedded.store.work import Result, Steps, Worker, at_once, in_slices
from fastapi_esdb.wire.errors import EsdbError, ServerNotReady
from fastapi_esdb.wire.positions import Position


class Replication(Protocol):
    """The interface to the other nodes of a write."""

    def check(self) -> None:
        """Raises NotLeader or ServerNotReady where this node may not write."""

    async def replicated(self, end: int) -> None:
        """Return when so many nodes have everything before a position that it can't be lost. Raises ServerTimeout."""


class ReplicatedDatabase(Database):
    """A database whose writes are durable when other nodes have them, and that takes over what others have written.

    It is kept in memory: the other nodes are what it is durable by.
    """

    def __init__(self, replication: Replication, *, clock: Clock, limits: Limits) -> None:
        self._replication = replication
        self._transactions = TransactionStorage()
        self._truncations = 0
        super().__init__(self._transactions, clock=clock, limits=limits)

    @property
    def log_end(self) -> int:
        """The end of the log, durable or not."""
        return self._log.end

    @property
    def durable_end(self) -> int:
        """The position before which all records are durable."""
        return self._log.durable

    @property
    def received_end(self) -> int:
        """The same with what there is of a write that is not whole yet, here or from another node."""
        return self._log.index.end

    @property
    def extent(self) -> Extent:
        """The content of the log, durable or not."""
        return Extent(tuple(self._transactions.epochs), self.log_end)

    def begin_epoch(self, term: int) -> None:
        """Write the record with which the leader of a term begins."""
        self.truncate(self.log_end)
        revision = View(self._log, self._log.end).last(FILLER) + 1
        at_once(self._log.write([Draft(FILLER, revision, epoch_event(term))], self._clock()))

    def section(self, start: int, size: int) -> Section:
        """Return the records from a position before the end on: about `size` bytes, and at least one record."""
        return self._transactions.section(start, size, self.log_end)

    def apply(self, section: Section) -> None:
        """Take over what another node has written, where this log ends. Raises ValueError where it does not fit."""
        rows, starts, is_whole = section
        self._transactions.take(rows, starts)
        unfinished = None if is_whole else self._transactions.last_start(section.end)
        self._log.adopt(map(to_entry, rows), unfinished)

    def whole_before(self, position: int) -> int:
        """Return the end of the last complete write before a position."""
        return self.log_end if position >= self.log_end else self._transactions.last_start(position)

    def truncate(self, end: int) -> None:
        """Take back what was written from a position on, and any write that is not whole.

        Raises ValueError where some of it is durable.
        """
        if end < self._log.durable:
            raise ValueError(f"the log can't be cut at {end}: it is durable up to {self._log.durable}")
        self._truncations += 1
        self._log.truncate(self._transactions.truncate(end), end)

    def publish(self, end: int) -> None:
        """Everything before a position is durable: show it to readers."""
        self._committer.publish(end)

    async def scavenge(self, start: Position, window: int = SCAVENGED) -> ScavengedPage:  # noqa: ARG002  as for all
        """Remove nothing: nodes that come back without a log need all of it."""
        return ScavengedPage(self.last_position or start, removed=0, freed=0)

    async def _decide(self, steps: Steps[Result]) -> Result:
        """In slices; between two of them the other nodes may put an end to it."""
        truncations = self._truncations
        return await in_slices(steps, lambda: self._check_unbroken(truncations))

    def _check_unbroken(self, truncations: int) -> None:
        """Raises NotLeader or ServerNotReady where the write that was begun can't go on: nothing of it is left."""
        if self._truncations != truncations:
            raise ServerNotReady  # it was taken back, and this may be another leader's log by now
        try:
            self._replication.check()
        except EsdbError:
            self.truncate(self.log_end)
            raise

    def _make_committer(self) -> Committer:
        return _Committer(
            self._log, self._storage, self._listeners, self._worker, self._deciding, replication=self._replication
        )


class _Committer(Committer):
    """Leaves it to the other nodes what is durable."""

    def __init__(
        self,
        log: Log,
        storage: Storage,
        listeners: Listeners,
        worker: Worker,
        deciding: asyncio.Lock,
        *,
        replication: Replication,
    ) -> None:
        super().__init__(log, storage, listeners, worker, deciding)
        self._replication = replication

    def check(self) -> None:
        self._replication.check()

    def begin(self) -> None:
        """It goes to the other nodes with the next write, or the next sign of life; nobody waits for that."""

    async def commit(self) -> None:
        if self._log.durable < self._log.end:
            await self._replication.replicated(self._log.end)
