"""A consumer of a group, and what is measured of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi_esdb.embedded.groups.message import Message

WINDOW = 1000
"""The number of acknowledgements that are counted, the newest ones."""

MILLISECONDS = 1000

_PERCENTILES = {f"Quintile {number}": (number * 20, 100) for number in range(1, 6)} | {
    "90%": (90, 100),
    "95%": (95, 100),
    "99%": (99, 100),
    "99.5%": (995, 1000),
    "99.9%": (999, 1000),
}
"""The names that servers give to percentiles, each with its share of the answers as a fraction."""


class Latencies:
    """The times from the deliveries to one consumer to its answers."""

    def __init__(self) -> None:
        self._milliseconds: deque[int] = deque(maxlen=WINDOW)

    def add(self, seconds: float) -> None:
        self._milliseconds.append(round(seconds * MILLISECONDS))

    def summary(self) -> dict[str, int]:
        """Milliseconds under the names that servers use; nothing before the first answer."""
        times = sorted(self._milliseconds)
        if not times:
            return {}
        middle = {"Mean": sum(times) // len(times), "Median": times[len(times) // 2], "Fastest": times[0]}
        shares = {name: times[_index(len(times), *share)] for name, share in _PERCENTILES.items()}
        return middle | shares | {"Highest": times[-1]}


def _index(count: int, part: int, whole: int) -> int:
    return min(count * part // whole, count - 1)


class Meter:
    """Counts events. Times are seconds."""

    def __init__(self, now: float) -> None:
        self.total = 0
        self._measured = 0
        self._measured_at = now

    def count(self) -> None:
        self.total += 1

    def measure(self, now: float) -> tuple[int, int]:
        """Events a second and events, both since the last measurement."""
        count, seconds = self.total - self._measured, now - self._measured_at
        self._measured, self._measured_at = self.total, now
        return int(count / seconds) if seconds > 0 else 0, count


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
