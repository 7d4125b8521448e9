"""A consumer group: its deliveries, the acknowledgements, and the writes that follow from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi_esdb.embedded.groups.buffer import Buffer
from fastapi_esdb.embedded.groups.consumer import Consumer, Latencies, Meter, Subscriber
from fastapi_esdb.embedded.groups.message import Message, Page, Parked
from fastapi_esdb.embedded.groups.strategies import strategy_named
from fastapi_esdb.wire.groups.values import GroupSettings, NackAction

SECONDS = 1 / 1000

READ_BATCH = 10
"""Events that are read at a time if the settings leave the number to the server."""

MAX_READ_BATCH = 100
"""The largest batch size that has an effect, as on a real server."""


class Progress:
    """The position up to which every event was handled: the checkpoint from which a restarted group continues.

    Events are begun in the order of their positions, and then delivered and finished in any order.
    """

    def __init__(self, settings: GroupSettings, checkpoint: int | None = None) -> None:
        self._maximum = max(1, settings.max_checkpoint_count)
        self._minimum = min(max(1, settings.min_checkpoint_count), self._maximum)
        self._seconds = settings.checkpoint_after_ms * SECONDS or math.inf
        self._unfinished: dict[int, tuple[int, int | None]] = {}
        self._count = 0
        self._position = checkpoint
        self._written_count = 0
        self._written_at = -math.inf

    def begin(self, position: int) -> None:
        """Take note that the next event is to be delivered, or one before it again that the source shows once more."""
        self._unfinished.pop(position, None)
        self._unfinished[position] = self._count, self._position
        self._count += 1
        self._position = position

    def finish(self, position: int) -> None:
        """Take note that an event was handled: acknowledged, skipped or parked."""
        self._unfinished.pop(position, None)

    def pass_over(self, count: int, position: int) -> None:
        """Take note that the filter has removed so many events up to this position."""
        if self._position is None or position > self._position:
            self._count += count
            self._position = position

    def due(self, now: float, is_tick: bool) -> int | None:
        """Return the checkpoint to write now, if any.

        One is due when the maximum of events was handled since the last one; and at a tick of the clock, when the
        minimum was and the time has passed.
        """
        # dicts keep their order, so that the first one is what everything waits for
        count, position = next(iter(self._unfinished.values()), (self._count, self._position))
        handled = count - self._written_count
        is_time = is_tick and now - self._written_at > self._seconds
        if handled < (self._minimum if is_time else self._maximum):
            return None
        self._written_count, self._written_at = count, now
        return position


@dataclass(frozen=True, slots=True)
class Writes:
    """The writes that a group needs: the events to park, and then its checkpoint."""

    parked: tuple[Parked, ...]
    checkpoint: int | None


class ConsumerGroup:
    """The rules of a group, without I/O.

    Its owner gives it a page of the history, from `next_position` on, when `wants_page` is true, and new events as they
    are written; passes on the acknowledgements of consumers; calls `tick` every second; and makes the writes of
    `take_writes`. `first` is the position to read from, `None` to begin with events that are written from now on;
    `checkpoint` is the last one of a former run of the group. Of new events it knows those from `start` on only, as
    a real server does. Where `skips_first` is true the first page begins with the event of the checkpoint, which is
    left out; one that begins behind it, that event being hidden by now, loses its own first event, again as there.
    `now` returns seconds.
    """

    def __init__(
        self,
        settings: GroupSettings,
        first: int | None,
        checkpoint: int | None,
        now: Callable[[], float],
        *,
        start: int = 0,
        skips_first: bool = False,
    ) -> None:
        self.settings = settings
        self._progress = Progress(settings, checkpoint)
        oldest = first if checkpoint is None else checkpoint + 1
        self.buffer = Buffer(settings.history_buffer_size, settings.live_buffer_size, oldest, self._progress.begin)
        self.checkpoint = checkpoint
        self.consumers: list[Consumer] = []
        self.next_position = first or 0
        self.wants_page = not self.buffer.is_live
        self.last_known: int | None = None
        self.is_replaying = False
        self.is_ended = False
        self.meter = Meter(now())
        self._now = now
        self._start = start
        self._skipped = 1 if skips_first else 0
        self._is_at_end = False
        self._strategy = strategy_named(settings.strategy)
        self._in_flight: dict[UUID, Consumer] = {}
        self._parked: list[Parked] = []
        self._due: int | None = None

    @property
    def batch(self) -> int:
        """The number of events of the history to read at a time."""
        return min(self.settings.read_batch_size or READ_BATCH, MAX_READ_BATCH)

    @property
    def is_full(self) -> bool:
        """True if it has as many consumers as its settings allow."""
        return 0 < self.settings.max_subscriber_count <= len(self.consumers)

    @property
    def in_flight(self) -> int:
        """The number of events without acknowledgement."""
        return len(self._in_flight)

    @property
    def has_writes(self) -> bool:
        return bool(self._parked) or self._due is not None

    def take_writes(self) -> Writes:
        """Return the writes to make now. A checkpoint covers parked events as well, so park first."""
        writes = Writes(tuple(self._parked), self._due)
        self._parked, self._due = [], None
        return writes

    def put_back(self, parked: Sequence[Parked], checkpoint: int | None) -> None:
        """Keep writes that have failed for the next attempt."""
        self._parked[:0] = parked
        self._due = checkpoint if self._due is None else self._due

    def written(self, checkpoint: int) -> None:
        """Take note that a checkpoint is stored."""
        self.checkpoint = checkpoint

    def add_page(self, page: Page) -> None:
        """Take a page of the history. What hides new events may leave the group at the end of it without being live."""
        self.wants_page = False
        for message in page.messages[self._skipped :]:
            self.last_known = message.position
            self.buffer.add_read(message)
        self._skipped = 0
        self.next_position = page.next
        self._pass_over(page)
        self._is_at_end = page.is_end
        if page.is_end:
            self.buffer.end_history()
        else:
            self._ask_for_page()
        self._settle()

    def add_live(self, page: Page) -> None:
        """Take an event that was just written."""
        for message in page.messages:
            if message.position < self._start:
                continue
            self.last_known = message.position
            if self.buffer.add_live(message):
                self.next_position, self._is_at_end = message.position, False
            self._push()
        if self.buffer.is_live:
            self._pass_over(page)
        if self._is_at_end:
            self._ask_for_page()
        self._settle()

    def add_parked(self, messages: Iterable[Message]) -> None:
        """Take parked events, to deliver them again."""
        for message in messages:
            self.buffer.add_retry(message)
        self._push()

    def join(self, subscriber: Subscriber) -> Consumer:
        """Add a consumer. A group that has ended disconnects it at once."""
        latencies = Latencies() if self.settings.extra_statistics else None
        consumer = Consumer(subscriber, self._now(), latencies)
        self.consumers.append(consumer)
        self._strategy.add(consumer)
        if self.is_ended:
            self._drop(consumer)
        self._push()
        return consumer

    def leave(self, consumer: Consumer) -> None:
        """Remove a consumer: others get the events that it has not acknowledged."""
        if consumer in self.consumers:
            self._remove(consumer)
            self._settle()

    def acknowledge(self, ids: Iterable[UUID]) -> None:
        """Take note that these events were handled. Those that are not in flight are ignored."""
        for message in self._land(ids):
            self._finish(message)
        self._ask_for_page()
        self._settle()

    def refuse(self, ids: Iterable[UUID], action: NackAction, reason: str) -> None:
        """Take note that these events could not be handled (protocol 6.3)."""
        for message in self._land(ids):
            if action in (NackAction.RETRY, NackAction.UNKNOWN):
                self._retry_or_park(message)
            elif action is NackAction.PARK:
                self._park(message, f"Client explicitly NAK'ed message.\n{reason}")
            else:
                self._finish(message)
        self._ask_for_page()
        self._settle()

    def tick(self) -> None:
        """Deliver again what was not acknowledged in time, and write a due checkpoint. Called every second."""
        for message in self._land(self._expired()):
            self._retry_or_park(message)
        self._ask_for_page()
        self._settle(is_tick=True)

    def end(self) -> None:
        """Disconnect all consumers, those that come later as well."""
        self.is_ended, self.wants_page = True, False
        for consumer in list(self.consumers):
            self._drop(consumer)

    def _ask_for_page(self) -> None:
        """Want a page if there is room for it now, before waiting events go to consumers: when a real server looks."""
        is_reading = not (self.is_ended or self.buffer.is_live)
        self.wants_page = is_reading and self.buffer.has_room(self.settings.read_batch_size)

    def _pass_over(self, page: Page) -> None:
        if page.passed_to is not None:
            self._progress.pass_over(page.passed, page.passed_to)

    def _settle(self, *, is_tick: bool = False) -> None:
        due = self._progress.due(self._now(), is_tick)
        self._due = self._due if due is None else due
        self._push()

    def _push(self) -> None:
        self.buffer.deliver(lambda: not any(consumer.has_room for consumer in self.consumers), self._offer)

    def _offer(self, message: Message) -> bool:
        """Deliver an event if a consumer has room. Of two events with the same id, the second waits for the first."""
        consumer = None if message.id in self._in_flight else self._strategy.choose(message)
        if consumer is None:
            return False
        self._in_flight[message.id] = consumer
        self.meter.count()
        consumer.give(message, self._now())
        return True

    def _land(self, ids: Iterable[UUID]) -> list[Message]:
        """Take events out of the hands of their consumers."""
        found = [(consumer, message_id) for message_id in ids if (consumer := self._in_flight.pop(message_id, None))]
        return [consumer.free(message_id, self._now()) for consumer, message_id in found]

    def _expired(self) -> list[UUID]:
        deadline = self._now() - self.settings.message_timeout_ms / 1000
        deliveries = (delivery for consumer in self.consumers for delivery in consumer.in_flight.values())
        return [delivery.message.id for delivery in deliveries if delivery.at <= deadline]

    def _retry_or_park(self, message: Message) -> None:
        if message.retry_count < self.settings.max_retry_count:
            self.buffer.add_retry(message.again())
        else:
            self._park(message, f"Reached retry count of {self.settings.max_retry_count}")

    def _park(self, message: Message, reason: str) -> None:
        self._parked.append(Parked(message.record, reason))
        self._finish(message)

    def _finish(self, message: Message) -> None:
        if not message.is_replayed:
            self._progress.finish(message.position)

    def _drop(self, consumer: Consumer) -> None:
        self._remove(consumer)
        consumer.drop()

    def _remove(self, consumer: Consumer) -> None:
        """The events of the consumer count as delivered once more, whatever the maximum of retries.

        They come back in the order of the numbers that they have in their streams; a replayed one has that of its link.
        """
        self.consumers.remove(consumer)
        self._strategy.remove(consumer)
        for message in sorted(self._land(list(consumer.in_flight)), key=lambda one: one.record.original.revision):
            self.buffer.add_retry(message.again())
