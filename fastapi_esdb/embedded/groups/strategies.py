"""The ways in which a group distributes events to its consumers (protocol 6.2)."""

from __future__ import annotations

import math
import zlib
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from fastapi_esdb.embedded.groups.consumer import Consumer
from fastapi_esdb.embedded.groups.message import Message
from fastapi_esdb.embedded.store.metadata import event_metadata
from fastapi_esdb.wire.events.values import LINK_TYPE
from fastapi_esdb.wire.groups.values import ConsumerStrategy

BUCKETS = 1024
REMEMBERED = 4096
"""Events whose buckets are remembered while they wait; more than are looked through at a time."""

CORRELATION_ID = "$correlationId"


def stream_of(message: Message) -> str:
    """The stream that an event is from; of a link, resolved or not, the stream of its target."""
    record = message.record
    if record.type != LINK_TYPE:
        return record.stream
    return record.data.decode(errors="replace").partition("@")[2] or record.stream


def correlation_of(message: Message) -> str:
    """The `$correlationId` of an event's metadata; the stream where there is none."""
    correlation = event_metadata(message.record.metadata).get(CORRELATION_ID)
    return correlation if isinstance(correlation, str) else stream_of(message)


class Pinned:
    """Events with the same key are in the same bucket, and every bucket has its consumer.

    A bucket goes to the consumer with the fewest when its first event comes. A new consumer takes over its share of
    the buckets, those first whose consumers have no event of them in hand. While the consumer of a bucket has no room,
    its events wait.
    """

    def __init__(self, key: Callable[[Message], str]) -> None:
        self._key = key
        self._consumers: list[Consumer] = []
        self._owners: dict[int, Consumer] = {}
        self._buckets: dict[tuple[UUID, int], int] = {}

    def add(self, consumer: Consumer) -> None:
        self._consumers.append(consumer)
        share = math.ceil(len(self._owners) / len(self._consumers))
        for other in self._consumers[:-1]:
            self._hand_over(other, consumer, share)

    def remove(self, consumer: Consumer) -> None:
        self._consumers.remove(consumer)
        self._owners = {bucket: owner for bucket, owner in self._owners.items() if owner is not consumer}

    def choose(self, message: Message) -> Consumer | None:
        if not self._consumers:
            return None
        bucket = self._bucket(message)
        owner = self._owners.get(bucket)
        if owner is None:
            owner = self._owners[bucket] = self._least_burdened()
        return owner if owner.has_room else None

    def _bucket(self, message: Message) -> int:
        event = message.id, message.position
        if event not in self._buckets:
            if len(self._buckets) >= REMEMBERED:
                self._buckets.clear()
            self._buckets[event] = zlib.crc32(self._key(message).encode(errors="replace")) % BUCKETS
        return self._buckets[event]

    def _least_burdened(self) -> Consumer:
        counts = Counter(map(id, self._owners.values()))
        return min(self._consumers, key=lambda consumer: counts[id(consumer)])

    def _hand_over(self, giver: Consumer, taker: Consumer, share: int) -> None:
        """Leave the giver its share of buckets and give the taker the rest."""
        busy = Counter(self._bucket(delivery.message) for delivery in giver.in_flight.values())
        buckets = sorted((b for b, owner in self._owners.items() if owner is giver), key=lambda b: busy[b])
        for bucket in buckets[: max(0, len(buckets) - share)]:
            self._owners[bucket] = taker


class Strategy(Protocol):
    """Knows the consumers and chooses among them."""

    def add(self, consumer: Consumer) -> None: ...

    def remove(self, consumer: Consumer) -> None: ...

    def choose(self, message: Message) -> Consumer | None:
        """Return the consumer that gets the event, or `None` if no consumer can take it now."""


class RoundRobin:
    """Each consumer in turn, except for those without room."""

    def __init__(self) -> None:
        self._consumers: deque[Consumer] = deque()

    def add(self, consumer: Consumer) -> None:
        self._consumers.append(consumer)

    def remove(self, consumer: Consumer) -> None:
        self._consumers.remove(consumer)

    def choose(self, _message: Message) -> Consumer | None:
        for _ in self._consumers.copy():
            consumer = self._consumers[0]
            self._consumers.rotate(-1)
            if consumer.has_room:
                return consumer
        return None


class DispatchToSingle(RoundRobin):
    """One consumer until it has no room, then the next."""

    def choose(self, _message: Message) -> Consumer | None:
        for _ in self._consumers.copy():
            if self._consumers[0].has_room:
                return self._consumers[0]
            self._consumers.rotate(-1)
        return None


_STRATEGIES: dict[str, Callable[[], Strategy]] = {
    ConsumerStrategy.ROUND_ROBIN: RoundRobin,
    ConsumerStrategy.DISPATCH_TO_SINGLE: DispatchToSingle,
    ConsumerStrategy.PINNED: lambda: Pinned(stream_of),
    ConsumerStrategy.PINNED_BY_CORRELATION: lambda: Pinned(correlation_of),
}


def is_known(name: str) -> bool:
    return name in _STRATEGIES


def strategy_named(name: str) -> Strategy:
    """Return a strategy without consumers. The name must be a known one."""
    return _STRATEGIES[name]()
