"""What callers of appends were told, and whether that is what is stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from fastapi_esdb import ANY, Connection, ConnectionClosed, EsdbError, NewEvent, WrongExpectedRevision, filters
from fastapi_esdb.errors import Outcome
from fastapi_esdb.wire.errors import ConnectionLost
from fastapi_esdb.wire.revisions import Expected

TYPE = "Told"
"""The type of the events that a history is about."""


@dataclass
class History:
    """Each event by its id: where it is said to be, or that it is said not to be anywhere, or that nobody knows."""

    told: dict[UUID, tuple[str, int]] = field(default_factory=dict)
    refused: dict[UUID, EsdbError] = field(default_factory=dict)
    unknown: dict[UUID, EsdbError] = field(default_factory=dict)
    acknowledged: defaultdict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    """By writer, in the order in which it heard of them."""
    hasty: set[UUID] = field(default_factory=set)
    """Those that failed and had hardly any time."""
    expected: dict[UUID, tuple[str, int]] = field(default_factory=dict)
    """For those that failed, the revision that was expected of their stream, if one was."""

    def done(self, writer: str, written: Mapping[str, Sequence[NewEvent]], last: Mapping[str, int]) -> None:
        """An append has returned: the last revision in each of its streams."""
        for stream, events in written.items():
            for revision, event in enumerate(events, last[stream] + 1 - len(events)):
                self.told[event.id] = (stream, revision)
        self.acknowledged[writer] += [event.id for events in written.values() for event in events]

    def failed(
        self,
        written: Mapping[str, Sequence[NewEvent]],
        error: EsdbError,
        expected: Expected = ANY,
        *,
        is_hasty: bool = False,
    ) -> None:
        """An append has raised."""
        verdicts = self.unknown if error.outcome is Outcome.UNKNOWN else self.refused
        for stream, events in written.items():
            for event in events:
                verdicts[event.id] = error
                if isinstance(expected, int):
                    self.expected[event.id] = (stream, expected)
                if is_hasty:
                    self.hasty.add(event.id)

    def check_failures(self, *, closes: bool = False) -> None:
        """Whoever had time knows what has become of an append, and only one that expected a revision is refused.

        Where the connection `closes` on purpose, what was in flight is unknown, and what was not sent is refused.
        """
        failures = {**self.unknown, **self.refused}
        in_conflict = {event_id for event_id, error in failures.items() if isinstance(error, WrongExpectedRevision)}
        closed = {event_id for event_id, error in failures.items() if closes and isinstance(error, ConnectionClosed)}
        hasty = {event_id for event_id in self.hasty if failures[event_id].outcome is not Outcome.ANSWERED}
        unexplained = failures.keys() - in_conflict - closed - hasty
        assert not unexplained, [repr(failures[event_id]) for event_id in unexplained]
        assert in_conflict <= self.expected.keys()

    async def check(self, esdb: Connection) -> None:
        """Every event is stored once where it was said to be, in the order of the acknowledgements of its writer.

        Nothing that was refused is stored, nothing is stored twice, and nothing else is there.
        """
        stored = await _stored(esdb)
        counts = Counter(event_id for event_id, _, _ in stored)
        assert [event_id for event_id, count in counts.items() if count > 1] == []
        at = {event_id: (stream, revision) for event_id, stream, revision in stored}
        assert {event_id: at.get(event_id) for event_id in self.told} == self.told
        assert not self.refused.keys() & at.keys(), self.refused
        assert at.keys() <= self.told.keys() | self.unknown.keys()
        self._check_conflicts(at)
        order = {event_id: number for number, (event_id, _, _) in enumerate(stored)}
        for ids in self.acknowledged.values():
            numbers = [order[event_id] for event_id in ids]
            assert numbers == sorted(numbers)

    def _check_conflicts(self, at: Mapping[UUID, tuple[str, int]]) -> None:
        """Where an append was refused for its revision, others are behind that."""
        last = dict(sorted(at.values()))
        for event_id, error in self.refused.items():
            if isinstance(error, WrongExpectedRevision):
                stream, expected = self.expected[event_id]
                assert last.get(stream, 0) > expected


async def _stored(esdb: Connection) -> list[tuple[UUID, str, int]]:
    """All events, read anew where a node that has come back leads meanwhile and the read ends half-way."""
    while True:
        with suppress(ConnectionLost):
            every = esdb.read_all(filter=filters.by_type(TYPE), requires_leader=True)
            return [(event.id, event.stream, event.revision) async for event in every]
