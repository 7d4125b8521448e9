"""Appending what a handler returns, exactly once for each event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from fastapi_esdb.consumers.ledger import Ledger
from fastapi_esdb.consumers.outcomes import To
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection

NAMESPACE = UUID("5d1c1c0e-8f0f-4d8c-9a5e-2f6a3c1f7b64")


class Publisher:
    """Appends the events that a handler has returned in one transaction with the consumer's checkpoint."""

    def __init__(self, connection: Connection, ledger: Ledger, consumer: str) -> None:
        self._connection = connection
        self._ledger = ledger
        self._consumer = consumer

    async def publish(self, event: RecordedEvent, outputs: Sequence[To], place: str) -> None:
        """Append, or raise and have nothing appended."""
        records: list[tuple[str, ProposedEvent]] = []
        checks: dict[str, Any] = {}
        for output in outputs:
            if output.expected is not ANY and checks.setdefault(output.stream, output.expected) != output.expected:
                raise InvalidArgument(f"the handler expects two things of the stream {output.stream!r}")
            for proposed in output.events:
                records.append((output.stream, self._caused(proposed, event, output.stream, len(records))))
        await self._ledger.write_with(records, checks, place=place)

    def _caused(self, proposed: ProposedEvent, cause: RecordedEvent, stream: str, number: int) -> ProposedEvent:
        """Return the event with an id that follows from its cause and its stream, and with both in its metadata."""
        seed = f"{self._consumer}/{self._ledger.entry.round}/{cause.original.id}/{number}/{stream}"
        return replace_event(proposed, uuid5(NAMESPACE, seed), metadata_caused_by(cause, proposed.metadata))


def replace_event(proposed: ProposedEvent, event_id: UUID, metadata: bytes) -> ProposedEvent:
    """Return a plain event with another id and other metadata."""
    return ProposedEvent(event_id, proposed.type, proposed.data, metadata, proposed.content_type)


def metadata_caused_by(cause: RecordedEvent, own: bytes) -> bytes:
    """Return metadata with `$causationId` and `$correlationId`, unless they have these; JSON objects only."""
    try:
        metadata = json.loads(own or b"{}")
        of_cause = json.loads(cause.metadata or b"{}")
    except ValueError:
        return own
    if not isinstance(metadata, dict):
        return own
    correlation = of_cause.get("$correlationId") if isinstance(of_cause, dict) else None
    metadata.setdefault("$causationId", str(cause.id))
    metadata.setdefault("$correlationId", correlation or str(cause.id))
    return json.dumps(metadata).encode()
