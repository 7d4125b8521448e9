"""What the tests of the rules share: a clock that stands still, events, and a group with consumers at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from fastapi_esdb.embedded.groups.consumer import Consumer, Subscriber
from fastapi_esdb.embedded.groups.group import ConsumerGroup
from fastapi_esdb.embedded.groups.message import Message, Page
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import GroupSettings
from fastapi_esdb.wire.positions import Position

SETTINGS = GroupSettings(message_timeout_ms=10_000, checkpoint_after_ms=2_000, min_checkpoint_count=2)


@dataclass
class Clock:
    """The time is what the test says, in seconds."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def record(
    revision: int = 0, stream: str = "a", *, event_type: str = "T", data: bytes = b"{}", metadata: bytes = b""
) -> RecordedEvent:
    """An event with an id of its own, at a position that grows with its revision."""
    position = Position(1000 + revision, 1000 + revision)
    created = datetime(2026, 1, 2, tzinfo=UTC)
    return RecordedEvent(uuid4(), stream, revision, event_type, data, metadata, JSON, created, position)


def message(position: int = 0, stream: str = "a", **fields: Any) -> Message:
    return Message(record(position, stream, **fields), position)


def messages(*positions: int) -> tuple[Message, ...]:
    return tuple(message(position) for position in positions)


def positions(found: Any) -> list[int]:
    return [one.position for one in found]


def consumer(buffer_size: int = 10) -> Consumer:
    return Consumer(Subscriber(buffer_size, lambda: None), now=0.0)


class FedGroup:
    """A group that the test feeds by hand. It reads from the start unless told otherwise."""

    def __init__(
        self,
        first: int | None = 0,
        checkpoint: int | None = None,
        start: int = 0,
        skips_first: bool = False,
        **settings: Any,
    ) -> None:
        self.clock = Clock()
        self.rules = ConsumerGroup(
            replace(SETTINGS, **settings), first, checkpoint, self.clock, start=start, skips_first=skips_first
        )

    def read(self, *positions: int, is_end: bool = True) -> tuple[Message, ...]:
        """Feed a page of history with events at these positions."""
        found = messages(*positions)
        self.rules.add_page(Page(found, positions[-1] + 1 if positions else 0, is_end))
        return found

    def write(self, *positions: int) -> tuple[Message, ...]:
        """Feed events as they are written."""
        found = messages(*positions)
        self.rules.add_live(Page(found, 0, is_end=True))
        return found

    def join(self, buffer_size: int = 10) -> Consumer:
        return self.rules.join(Subscriber(buffer_size, lambda: None))

    def pass_time(self, seconds: float) -> None:
        """Let the time pass, and the clock tick once after it."""
        self.clock.now += seconds
        self.rules.tick()


def fetch(consumer: Consumer) -> list[tuple[int, int]]:
    """Take what is in the outbox: positions and retry counts."""
    fetched = [(one.position, one.retry_count) for one in consumer.outbox]
    consumer.outbox.clear()
    return fetched


def ids(*found: Message) -> list[UUID]:
    return [one.id for one in found]
