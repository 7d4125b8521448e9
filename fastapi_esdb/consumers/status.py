"""The state of a consumer, as others may look at it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Self

from fastapi_esdb.connection.wakeup import Wakeup
from fastapi_esdb.consumers.sources import Place
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position


class ConsumerState(enum.StrEnum):
    """The states of a consumer."""

    STOPPED = "stopped"
    """It was not started, or has ended with the app, or by an error policy that says so."""
    STARTING = "starting"
    """It looks for its checkpoint, and for a connection."""
    STANDBY = "standby"
    """Another process handles the events, and this one takes over when that is gone."""
    RUNNING = "running"
    """It handles events, or waits for them."""
    RETRYING = "retrying"
    """The event at hand could not be handled, and will be again."""
    DISCONNECTED = "disconnected"
    """There is no connection, or its subscription has ended with an error; it goes on by itself."""
    PAUSED = "paused"
    """It was told to pause."""


@dataclass(frozen=True, slots=True)
class ConsumerStatus:
    """A consumer at one moment, as this process knows it.

    `place` is the last event of the completed prefix: a revision of its stream, or a position in `$all`; `position` is
    where that event is in `$all`, if it is known. `handled` counts events since the start of the process.
    `parked` are those that were put aside in that time, handled ones among them.
    `lag_events` are those that have arrived and are not handled yet; there may be more unless it `is_live`.
    `lag_seconds` is how long ago the oldest of these was written, zero if there is none. `last_error` is the type of
    the error that an event or the subscription met last, and `last_error_at` when that was. `stands_still_for` are the
    seconds that the oldest event has been at hand, or that the consumer has been unable to get at events; zero while it
    waits for events, for its turn, or to be resumed.
    """

    name: str
    state: ConsumerState
    place: Place | None
    position: Position | None
    is_live: bool
    handled: int
    lag_events: int
    lag_seconds: float
    attempts: int
    parked: int
    last_error: type[Exception] | None
    last_error_at: datetime | None
    stands_still_for: float = 0.0

    @classmethod
    def of_stopped(cls, name: str) -> Self:
        """Return the status of a consumer that does not run."""
        return cls(name, ConsumerState.STOPPED, None, None, False, 0, 0, 0.0, 0, 0, None, None)


class Observed:
    """Notes about a consumer as it goes: cheap to write with each event, and put together when they are asked for."""

    def __init__(self) -> None:
        self._state = ConsumerState.STOPPED
        self._since = monotonic()
        self.arrived = 0
        self.handled = 0
        self.at_hand: RecordedEvent | None = None
        """The oldest event that is not handled yet."""
        self._at_hand_since = 0.0
        self.progressed = Wakeup()
        """Wakes those who wait for an event to be handled."""
        self.attempts = 0
        self._failing = 0
        self.parked = 0
        self.last_error: Exception | None = None
        self.last_error_at: datetime | None = None

    @property
    def state(self) -> ConsumerState:
        """The state that it is in."""
        return self._state

    @state.setter
    def state(self, state: ConsumerState) -> None:
        if state is not self._state:
            self._state, self._since = state, monotonic()
            self.progressed.wake()

    def take(self, event: RecordedEvent | None) -> None:
        """Note the oldest event that is not handled yet."""
        if event is not self.at_hand:
            self.at_hand, self._at_hand_since = event, monotonic()

    @property
    def stands_still_for(self) -> float:
        """The seconds without progress, although there is something to do."""
        if self._state in (ConsumerState.STANDBY, ConsumerState.PAUSED):
            return 0.0
        if self.at_hand is not None:
            return monotonic() - self._at_hand_since
        if self._state is ConsumerState.RUNNING:
            return 0.0
        return monotonic() - self._since

    def failed(self, error: Exception, attempts: int) -> None:
        """Note that an event could not be handled."""
        self.attempts = attempts
        self._note(error)

    def began_failing(self, *, again: bool) -> None:
        """Note that an event is going to be handled again, if it was not known to be."""
        self._failing += not again

    def ended_failing(self) -> None:
        """Note that one of these is handled, or left alone."""
        self._failing -= 1
        if not self._failing:
            self.attempts = 0

    @property
    def shown_state(self) -> ConsumerState:
        """The state, as it is shown."""
        return ConsumerState.RETRYING if self._failing and self.state is ConsumerState.RUNNING else self.state

    def disconnected(self, error: Exception) -> None:
        """Note what has ended the subscription."""
        self.state = ConsumerState.DISCONNECTED
        self._note(error)

    def begin(self) -> None:
        """Note that nothing is at hand: events that had arrived come again."""
        self.arrived = self.handled
        self.take(None)

    @property
    def lag_seconds(self) -> float:
        """The age of the oldest event that is not handled."""
        if self.at_hand is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - self.at_hand.created).total_seconds())

    def _note(self, error: Exception) -> None:
        self.last_error, self.last_error_at = error, datetime.now(UTC)
