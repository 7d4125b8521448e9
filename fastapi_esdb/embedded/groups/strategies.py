"""The ways in which a group distributes events to its consumers (protocol 6.2)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from fastapi_esdb.embedded.groups.consumer import Consumer
from fastapi_esdb.embedded.groups.message import Message
from fastapi_esdb.embedded.groups.pinning import Pinned, correlation_of, stream_of
from fastapi_esdb.wire.groups.values import ConsumerStrategy


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
