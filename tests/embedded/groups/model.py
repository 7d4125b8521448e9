"""What a real server does for one stream with one group, step by step and as plainly as it can be said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fastapi_esdb.wire.groups.values import GroupSettings, NackAction

NO_SEQUENCE = 1 << 40


@dataclass(frozen=True)
class Sent:
    """An event on its way, with its number among those that were sent and the one before it, unless it is replayed."""

    revision: int
    retry_count: int = 0
    parked_as: int | None = None
    sequence: int | None = None
    previous: int | None = None

    @property
    def shown(self) -> int:
        """The revision that a consumer sees: of the event, or of the link in the stream of parked events."""
        return self.revision if self.parked_as is None else self.parked_as


@dataclass
class Streams:
    """The revisions of a stream, and what its group has parked."""

    last: int = -1
    first: int = 0
    is_deleted: bool = False
    parked: list[int] = field(default_factory=list)
    parked_first: int = 0
    is_parked_deleted: bool = False
    checkpoint: int | None = None

    def page(self, start: int, count: int) -> tuple[list[int], int, bool]:
        """Return revisions, the beginning of the next page, and whether this was the last one."""
        if self.last < 0 or self.is_deleted:
            return [], 0, True
        stop = start + count - 1
        if stop < self.first:
            return [], self.first, False
        if max(start, self.first) > self.last:
            return [], self.last + 1, True
        stop = min(stop, self.last)
        return list(range(max(start, self.first), stop + 1)), stop + 1, stop == self.last

    def park(self, revision: int) -> None:
        if self.is_parked_deleted:
            self.parked_first, self.is_parked_deleted = len(self.parked), False
        self.parked.append(revision)

    def is_readable(self, revision: int) -> bool:
        return not self.is_deleted and self.first <= revision


class ModelGroup:
    """The group. Times are seconds."""

    def __init__(self, streams: Streams, settings: GroupSettings, start: int | None) -> None:
        self.streams, self.settings, self.start = streams, settings, start or 0
        self.retries: list[Sent] = []
        self.buffer: list[Sent] = []
        self.recent: list[int] = []
        self.in_flight: list[Sent] = []
        self.room = 0
        self.last_known: int | None = None
        self.parked_last, self.parked_first = -1, 0
        self.is_live = start is None
        self.next_page, self.skips, self.ignored_to = start or 0, False, -1
        self.next_sequence, self.written_sequence, self.sent_last = 0, -1, None
        self.checkpoint, self.written_at = streams.checkpoint, -1e9
        self.is_replaying = False
        if self.checkpoint is not None:
            self.next_page, self.skips, self.ignored_to, self.is_live = self.checkpoint, True, self.checkpoint, False
            self.next_sequence, self.written_sequence, self.sent_last = 1, 0, self.checkpoint
            first = max(streams.parked_first, 0)
            if not streams.is_parked_deleted and first < len(streams.parked):
                self.parked_last, self.parked_first = len(streams.parked) - 1, first
        self.read()

    @property
    def parked(self) -> int:
        return 0 if self.parked_last < 0 else self.parked_last + 1 - self.parked_first

    def read(self) -> None:
        """Read the history while there is room before what is there goes to consumers, or to its end."""
        has_room, is_end = self.has_room(), False
        self.push()
        while has_room and not is_end:
            revisions, self.next_page, is_end = self.streams.page(self.next_page, self.settings.read_batch_size)
            for revision in revisions[1 if self.skips else 0 :]:
                self.last_known = revision
                self.take_read(revision)
            self.skips = False
            self.is_live = self.is_live or (is_end and not self.recent)
            has_room = self.has_room()
            self.push()

    def has_room(self) -> bool:
        waiting = len(self.retries) + len(self.buffer)
        return not self.is_live and self.settings.history_buffer_size - waiting > self.settings.read_batch_size

    def take_read(self, revision: int) -> None:
        if self.is_live or revision <= self.ignored_to:
            return
        if not self.recent or revision < self.recent[0]:
            self.buffer.append(Sent(revision))
            return
        self.buffer += [Sent(newer) for newer in self.recent if newer >= revision]
        self.recent, self.is_live = [], True

    def take_live(self, revision: int) -> None:
        if revision < self.start:
            return
        self.last_known = revision
        was_live = self.is_live
        if self.is_live and len(self.buffer) < self.settings.history_buffer_size:
            self.buffer.append(Sent(revision))
        elif was_live:
            self.is_live, self.next_page = False, revision
        self.recent = [*self.recent, revision][-self.settings.live_buffer_size :]
        self.push()

    def push(self) -> None:
        for waiting in (self.retries, self.buffer):
            while waiting and len(self.in_flight) < self.room:
                one = waiting.pop(0)
                if one.parked_as is None and one.sequence is None:
                    one = replace(one, sequence=self.next_sequence, previous=self.sent_last)
                    self.next_sequence, self.sent_last = self.next_sequence + 1, one.revision
                self.in_flight.append(one)

    def retry(self, one: Sent) -> None:
        one = replace(one, retry_count=one.retry_count + 1)
        later = [n for n, o in enumerate(self.retries) if o.parked_as is None and o.revision > one.revision]
        place = later[0] if later and one.parked_as is None else len(self.retries)
        self.retries.insert(place, one)

    def answer(self, one: Sent, action: NackAction | None, now: float) -> None:
        """An acknowledgement is no action."""
        self.in_flight.remove(one)
        is_retry = action is NackAction.RETRY
        if is_retry and one.retry_count < self.settings.max_retry_count:
            self.retry(one)
        elif is_retry or action is NackAction.PARK:
            self.streams.park(one.revision)
            self.parked_last = len(self.streams.parked) - 1
        self.mark(now, is_tick=False)
        self.read()

    def leave(self) -> None:
        self.room = 0
        for one in sorted(self.in_flight, key=lambda sent: sent.shown):
            self.retry(one)
        self.in_flight = []

    def mark(self, now: float, *, is_tick: bool) -> None:
        """Write a checkpoint if one is due."""
        open_ones = [one for one in (*self.in_flight, *self.retries) if one.sequence is not None]
        oldest = min(open_ones, key=lambda one: one.sequence or 0, default=None)
        sequence, position = self.next_sequence - 1, self.sent_last
        if oldest and oldest.sequence is not None:
            sequence, position = oldest.sequence - 1, oldest.previous
        if position is None:
            return
        handled, settings = sequence - self.written_sequence, self.settings
        is_time = is_tick and now - self.written_at > settings.checkpoint_after_ms / 1000
        if handled >= settings.max_checkpoint_count or (is_time and handled >= settings.min_checkpoint_count):
            self.written_sequence, self.written_at = sequence, now
            self.checkpoint = self.streams.checkpoint = position

    def tick(self, now: float) -> None:
        self.mark(now, is_tick=True)
        self.read()

    def replay(self, stop_at: int | None) -> None:
        streams = self.streams
        if self.is_replaying or not streams.parked or streams.is_parked_deleted:
            return
        stop = len(streams.parked) if stop_at is None else min(stop_at, len(streams.parked))
        if stop == 0:
            self.is_replaying = True
            return
        for number in range(streams.parked_first, stop):
            if streams.is_readable(streams.parked[number]):
                self.retries.append(Sent(streams.parked[number], parked_as=number))
        streams.parked_first = self.parked_first = stop
        self.push()
