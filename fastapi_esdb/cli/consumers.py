"""`consumers` and `dead-letters`: what the database knows of the consumers of apps."""

from __future__ import annotations

from fastapi_esdb.api import filters
from fastapi_esdb.cli import output
from fastapi_esdb.cli.running import connected
from fastapi_esdb.consumers.dead_letters import DeadLetterStream
from fastapi_esdb.consumers.definition import CHECKPOINTS, DEAD_LETTERS
from fastapi_esdb.consumers.ledger import TYPE, Entry
from fastapi_esdb.wire.events.values import RecordedEvent


async def consumers() -> None:
    """List the consumers that have a checkpoint in the database, or dead letters."""
    checkpoints: dict[str, RecordedEvent] = {}
    parked: dict[str, int] = {}
    async with connected() as esdb:
        async for event in esdb.read_all(backwards=True, filter=filters.by_stream(CHECKPOINTS)):
            if event.type == TYPE:
                checkpoints.setdefault(event.stream.removeprefix(CHECKPOINTS), event)
        async for event in esdb.read_all(filter=filters.by_stream(DEAD_LETTERS)):
            parked.setdefault(event.stream.removeprefix(DEAD_LETTERS), 0)
        for name in parked:
            parked[name] = len(await DeadLetterStream(esdb, DEAD_LETTERS + name).open())
    output.rows(
        ("consumer", "state", "place", "since", "holder", "dead_letters"),
        (_row(name, checkpoints.get(name), parked.get(name, 0)) for name in sorted(checkpoints.keys() | parked.keys())),
        none="no consumer has a checkpoint here",
    )


def _row(name: str, checkpoint: RecordedEvent | None, dead_letters: int) -> dict[str, object]:
    entry = Entry() if checkpoint is None else Entry.of(checkpoint.json())
    state = "paused" if entry.paused else "stopped" if entry.released or not entry.holder else "running"
    return {
        "consumer": name,
        "state": None if checkpoint is None else state,
        "place": entry.place,
        "since": None if checkpoint is None else checkpoint.created.isoformat(" ", "seconds"),
        "holder": entry.holder.rpartition(":")[0] or None,
        "dead_letters": dead_letters,
    }


async def dead_letters(consumer: str) -> None:
    """List the events that a consumer has parked."""
    async with connected() as esdb:
        found = await DeadLetterStream(esdb, DEAD_LETTERS + consumer).open()
    output.rows(
        ("number", "stream", "revision", "type", "error", "message", "attempts", "parked_at"),
        (
            {
                "number": letter.number,
                "stream": letter.stream,
                "revision": letter.revision,
                "type": letter.type,
                "error": letter.error,
                "message": letter.message,
                "attempts": letter.attempts,
                "parked_at": letter.parked_at.isoformat(" ", "seconds"),
            }
            for letter in found.values()
        ),
        none=f"consumer {consumer} has parked nothing",
    )
