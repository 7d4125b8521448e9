"""The stream of a consumer: who handles its events, and how far they are handled. Only one process can write to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.consumers.direct import to_the_end
from fastapi_esdb.errors import AccessDenied
from fastapi_esdb.wire.errors import ConsistencyViolation, NoAnswer, StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.revisions import NO_STREAM, Expected

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.wire.events.values import ProposedEvent

TYPE = "$ConsumerCheckpoint"
"""A type of system events, so that consumers of `$all` are not given their own checkpoints."""

Records = Sequence[tuple[str, "ProposedEvent"]]

KEPT = 10
"""Entries that a stream keeps: one is needed, the others tell a person what happened last."""


class Interrupted(Exception):
    """The consumer can't go on like this, and begins again from what is stored."""


class Fenced(Interrupted):
    """Another process has written to the ledger: this one handles nothing any more."""

    def __str__(self) -> str:
        return "another process has taken over"


@dataclass(frozen=True, slots=True)
class Entry:
    """The last entry of a ledger.

    `place` is the text of the completed prefix's end, `None` where it is kept elsewhere or nothing was handled yet.
    `holder` is the process that has written it, which is done if it is `released`. `round` counts resets, so that what
    a handler returns is appended once in each round. `intent` is what is being appended for the event at `place`, on
    servers that can't do it at once: the number of the revision that each stream is expected to be at.
    """

    place: str | None = None
    holder: str = ""
    released: bool = False
    paused: bool = False
    round: int = 0
    intent: Mapping[str, Any] | None = None

    def intended_for(self, place: str | None) -> dict[str, int]:
        """Return the revisions that streams are expected to be at by what is appended for the event at that place."""
        return dict(self.intent["expected"]) if self.intent and self.intent["place"] == place else {}

    def json(self) -> dict[str, Any]:
        """Return the data of the event."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, data: Any) -> Entry:
        """Return the entry in an event's data; of newer versions, what this one knows."""
        if not isinstance(data, dict):
            raise NoAnswer("a consumer's checkpoint is no JSON object")
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})


class Ledger:
    """The stream that a consumer writes its entries to, each on condition that its last one is the stream's last."""

    def __init__(self, connection: Connection, stream: str) -> None:
        self.stream = stream
        self.entry = Entry()
        self._connection = connection
        self._expected: Expected = NO_STREAM
        self._writing = asyncio.Lock()
        self._confirmed = 0.0

    @property
    def confirmed_for(self) -> float:
        """The seconds since when it is known that nobody else has written."""
        return monotonic() - self._confirmed

    async def load(self) -> Entry:
        """Read the last entry, from the leader."""
        try:
            found = await self._connection.read(self.stream, backwards=True, limit=1, requires_leader=True).to_list()
        except StreamNotFound:
            found = []
        if found:
            self.entry, self._expected = Entry.of(found[0].json()), found[0].revision
        else:
            self.entry, self._expected = (
                Entry(),
                await self._connection.last_revision(self.stream, requires_leader=True),
            )
        return self.entry

    async def write(self, **changes: Any) -> None:
        """Write the entry with changes. Raises `Fenced`, and what `append` raises.

        It is written to the end if this is cancelled: the next write has to know where the stream is.
        """
        await to_the_end(self._write(changes))

    async def write_with(self, records: Records, checks: Mapping[str, Expected], **changes: Any) -> None:
        """Write the entry and events for other streams, all or nothing. Raises as `write`, and `NotSupported`.

        `ConsistencyViolation` is raised if one of the checks fails.
        """
        await to_the_end(self._write_with(records, checks, changes))

    async def _write(self, changes: Mapping[str, Any]) -> None:
        async with self._writing:
            began, entry = monotonic(), replace(self.entry, **changes)
            if self._expected is NO_STREAM:
                await self._keep_few()
            event = NewEvent(TYPE, entry.json())
            try:
                result = await self._connection.append(self.stream, event, self._expected, retry_unknown=True)
            except WrongExpectedRevision:
                raise Fenced from None
            self._written(entry, result.revision, began)

    async def _write_with(self, records: Records, checks: Mapping[str, Expected], changes: Mapping[str, Any]) -> None:
        async with self._writing:
            began, entry = monotonic(), replace(self.entry, **changes)
            try:
                result = await self._connection.append_records(
                    [*records, (self.stream, NewEvent(TYPE, entry.json()))],
                    checks={**checks, self.stream: self._expected},
                    retry_unknown=True,
                )
            except ConsistencyViolation as error:
                if any(violation.stream == self.stream for violation in error.violations):
                    raise Fenced from None
                raise
            self._written(entry, result.revisions[self.stream], began)

    async def confirm(self) -> None:
        """Return if nobody else has written since. Raises `Fenced`."""
        async with self._writing:
            began = monotonic()
            if await self._connection.last_revision(self.stream, requires_leader=True) != self._expected:
                raise Fenced
            self._confirmed = began

    def _written(self, entry: Entry, revision: int, began: float) -> None:
        self.entry, self._expected, self._confirmed = entry, revision, began

    async def _keep_few(self) -> None:
        with suppress(AccessDenied):  # it grows, then; who runs the database decides that
            await self._connection.set_metadata(self.stream, StreamMetadata(max_count=KEPT))
