"""Appending what a handler returns, exactly once for each event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from fastapi_esdb.consumers.ledger import Ledger
from fastapi_esdb.consumers.outcomes import To
from fastapi_esdb.errors import NotSupported, WrongExpectedRevision
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY, NO_EVENT, NO_STREAM, STREAM_EXISTS, Expected, number_of

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection

NAMESPACE = UUID("5d1c1c0e-8f0f-4d8c-9a5e-2f6a3c1f7b64")

Outputs = dict[str, list[ProposedEvent]]


class Publisher:
    """Appends the events that a handler has returned in one transaction with the consumer's checkpoint.

    Servers that have none (before 26.0.3) get one append for each stream, after the ledger says at which revision each
    is going to be. Who comes back to the same event makes the same appends with the same ids and revisions, which
    servers know for ever (protocol 12.3), so each is there once. The checkpoint is written when all are.
    """

    def __init__(self, connection: Connection, ledger: Ledger, consumer: str) -> None:
        self._connection = connection
        self._ledger = ledger
        self._consumer = consumer
        self._has_transactions = True

    async def publish(
        self, event: RecordedEvent, outputs: Sequence[To], place: str | None, *, again: int | None = None
    ) -> None:
        """Append, or raise. Where the server has transactions nothing was appended then.

        `again` is the number of the dead letter, for an event that was parked under it.
        """
        events, expected = self._caused(event, outputs, again), _expected(outputs)
        if self._has_transactions and not self._ledger.entry.intended_for(place):
            try:
                await self._in_one(events, expected, place)
            except NotSupported:
                self._has_transactions = False
            else:
                return
        await self._one_by_one(events, expected, place)

    async def _in_one(self, events: Outputs, expected: dict[str, Expected], place: str | None) -> None:
        records = [(stream, event) for stream, of_stream in events.items() for event in of_stream]
        checks = {stream: expected for stream, expected in expected.items() if expected is not ANY}
        await self._ledger.write_with(records, checks, place=place, intent=None)

    async def _one_by_one(self, events: Outputs, expected: dict[str, Expected], place: str | None) -> None:
        intended = self._ledger.entry.intended_for(place)
        wanted = {
            stream: intended[stream] if stream in intended else await self._next(stream, expected[stream])
            for stream in events
        }
        await self._intend(place, wanted)
        for stream, of_stream in events.items():
            while not await self._is_there(stream, of_stream, wanted[stream]):
                wanted[stream] = await self._next(stream, expected[stream])
                await self._intend(place, wanted)
        await self._ledger.write(place=place, intent=None)

    async def _intend(self, place: str | None, wanted: dict[str, int]) -> None:
        intent = {"place": place, "expected": wanted}
        if self._ledger.entry.intent != intent:
            await self._ledger.write(intent=intent)

    async def _next(self, stream: str, expected: Expected) -> int:
        """Return the number of the revision to expect of a stream. Raises `WrongExpectedRevision`."""
        last = await self._connection.last_revision(stream, requires_leader=True)
        if expected is ANY or (expected is STREAM_EXISTS and last is not NO_STREAM) or expected == last:
            return number_of(last)
        raise WrongExpectedRevision(stream, expected, last)

    async def _is_there(self, stream: str, events: list[ProposedEvent], revision: int) -> bool:
        """Append events, unless they are there already; false if something else is where they should be."""
        expected = NO_STREAM if revision == NO_EVENT else revision
        try:
            await self._connection.append(stream, events, expected, retry_unknown=True)
        except WrongExpectedRevision:
            found = self._connection.read(stream, start=revision + 1, limit=1, missing_ok=True, requires_leader=True)
            return [event.id for event in await found.to_list()] == [events[0].id]
        return True

    def _caused(self, cause: RecordedEvent, outputs: Sequence[To], again: int | None) -> Outputs:
        """Return the events for each stream, with ids that follow from what has caused them and from the stream.

        Ids must be unique over all streams (protocol 12.8).
        """
        found: Outputs = {}
        of_cause = f"{self._consumer}/{self._ledger.entry.round}/{cause.original.id}"
        if again is not None:
            of_cause += f"/{again}"
        for output in outputs:
            of_stream = found.setdefault(output.stream, [])
            for event in output.events:
                seed = f"{of_cause}/{len(of_stream)}/{output.stream}"
                metadata = _metadata_caused_by(cause, event.metadata)
                of_stream.append(
                    ProposedEvent(uuid5(NAMESPACE, seed), event.type, event.data, metadata, event.content_type)
                )
        return found


def _expected(outputs: Sequence[To]) -> dict[str, Expected]:
    """Return what is expected of each stream. Raises `InvalidArgument` where that is two things."""
    found: dict[str, Expected] = {}
    for output in outputs:
        if found.get(output.stream, ANY) is ANY:
            found[output.stream] = output.expected
        elif output.expected not in (ANY, found[output.stream]):
            raise InvalidArgument(f"the handler expects two things of the stream {output.stream!r}")
    return found


def _metadata_caused_by(cause: RecordedEvent, own: bytes) -> bytes:
    """Return metadata with `$causationId` and `$correlationId`, unless they have these; JSON objects only."""
    try:
        metadata, of_cause = json.loads(own or b"{}"), json.loads(cause.metadata or b"{}")
    except ValueError:
        return own
    if not isinstance(metadata, dict):
        return own
    correlation = of_cause.get("$correlationId") if isinstance(of_cause, dict) else None
    metadata.setdefault("$causationId", str(cause.id))
    metadata.setdefault("$correlationId", correlation or str(cause.id))
    return json.dumps(metadata).encode()
