"""A consumer of a group."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi_esdb.embedded.groups.latencies import Latencies
from fastapi_esdb.embedded.groups.message import Message
from fastapi_esdb.embedded.groups.meter import Meter


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A connected consumer.

    It may have `buffer_size` events that are not acknowledged. `wake` is called when its outbox has something new, and
    when it was disconnected.
    """

    buffer_size: int
    wake: Callable[[], None]
    name: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that was delivered to a consumer, and the time of the delivery (seconds)."""

    message: Message
    at: float


class Consumer:
    """The events of a consumer: those not acknowledged yet and, in `outbox`, those not even fetched yet."""

    def __init__(self, subscriber: Subscriber, now: float, latencies: Latencies | None = None) -> None:
        self.subscriber = subscriber
        self.in_flight: dict[UUID, Delivery] = {}
        self.outbox: deque[Message] = deque()
        self.is_dropped = False
        self.meter = Meter(now)
        self.latencies = latencies

    @property
    def has_room(self) -> bool:
        """True if it may get another event. While it does not fetch its events it gets no more, time-outs or not."""
        return self.available_slots > 0 and len(self.outbox) < self.subscriber.buffer_size

    @property
    def available_slots(self) -> int:
        return self.subscriber.buffer_size - len(self.in_flight)

    def give(self, message: Message, now: float) -> None:
        """Deliver an event."""
        self.in_flight[message.id] = Delivery(message, now)
        self.outbox.append(message)
        self.meter.count()
        self.subscriber.wake()

    def free(self, message_id: UUID, now: float) -> Message:
        """Take an event back: the consumer has acknowledged it, or has taken too long."""
        delivery = self.in_flight.pop(message_id)
        if self.latencies is not None:
            self.latencies.add(now - delivery.at)
        return delivery.message

    def drop(self) -> None:
        """Disconnect the consumer: it gets nothing more from the group."""
        self.is_dropped = True
        self.subscriber.wake()
