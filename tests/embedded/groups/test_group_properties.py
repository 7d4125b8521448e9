"""Whatever happens in whatever order, a group keeps its promises."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fastapi_esdb.embedded.groups.consumer import Consumer
from fastapi_esdb.embedded.groups.message import Message, Page
from fastapi_esdb.wire.groups.values import ConsumerStrategy, NackAction
from tests.embedded.groups.support import FedGroup, message

COUNTS = st.integers(1, 5)
INDEXES = st.integers(0, 50)


class GroupMachine(RuleBasedStateMachine):
    """A log, a group that reads it with little room, and consumers that come, answer, stay silent and go."""

    @initialize(strategy=st.sampled_from(ConsumerStrategy), at_end=st.booleans(), retries=st.integers(0, 2))
    def begin(self, strategy: str, at_end: bool, retries: int) -> None:
        self.group = FedGroup(
            first=None if at_end else 0,
            strategy=strategy,
            history_buffer_size=6,
            read_batch_size=2,
            live_buffer_size=3,
            max_retry_count=retries,
            max_checkpoint_count=3,
            message_timeout_ms=3_000,
        )
        self.log: list[Message] = []
        self.followed = 0
        self.consumers: list[Consumer] = []
        self.seen: set[int] = set()
        self.handled: set[int] = set()
        self.checkpoint = -1

    @rule(count=COUNTS)
    def write(self, count: int) -> None:
        for _ in range(count):
            position = len(self.log)
            self.log.append(message(position, f"stream-{position % 3}"))

    @rule(count=COUNTS)
    def follow(self, count: int) -> None:
        page = tuple(self.log[self.followed : self.followed + count])
        self.followed += len(page)
        self.group.rules.add_live(Page(page, 0, is_end=True))
        self.fetch()

    @rule()
    def read_history(self) -> None:
        if self.group.rules.wants_page:
            start = self.group.rules.next_position
            page = tuple(self.log[start : start + self.group.rules.batch])
            following = start + len(page)
            self.group.rules.add_page(Page(page, following, is_end=following >= len(self.log)))
        self.fetch()

    @rule(buffer_size=st.integers(1, 4))
    def join(self, buffer_size: int) -> None:
        self.consumers.append(self.group.join(buffer_size))
        self.fetch()

    @rule(index=INDEXES)
    def leave(self, index: int) -> None:
        if self.consumers:
            self.group.rules.leave(self.consumers.pop(index % len(self.consumers)))
        self.fetch()

    @rule(index=INDEXES)
    def acknowledge(self, index: int) -> None:
        if one := self.in_hand(index):
            self.group.rules.acknowledge([one.id])
            self.handled.add(one.position)
        self.fetch()

    @rule(index=INDEXES, action=st.sampled_from(NackAction))
    def refuse(self, index: int, action: NackAction) -> None:
        if one := self.in_hand(index):
            is_final = action not in (NackAction.RETRY, NackAction.UNKNOWN)
            if is_final or one.retry_count >= self.group.rules.settings.max_retry_count:
                self.handled.add(one.position)
            self.group.rules.refuse([one.id], action, "")
        self.fetch()

    @rule(seconds=st.sampled_from([0.5, 4.0]))
    def pass_time(self, seconds: float) -> None:
        self.group.pass_time(seconds)
        self.fetch()

    @rule()
    def take_writes(self) -> None:
        writes = self.group.rules.take_writes()
        self.handled |= {parked.record.revision for parked in writes.parked}
        if writes.checkpoint is not None:
            assert writes.checkpoint > self.checkpoint
            self.checkpoint = writes.checkpoint
            begun = range(min(self.seen), self.checkpoint + 1)
            assert set(begun) <= self.handled

    @invariant()
    def nobody_has_too_much(self) -> None:
        for consumer in self.consumers:
            assert len(consumer.in_flight) <= consumer.subscriber.buffer_size

    def teardown(self) -> None:
        """In the end a patient consumer gets everything that is not handled, and each event of the log was seen."""
        if not hasattr(self, "group"):
            return
        self.follow(len(self.log))
        patient = self.group.join(1000)
        while self.group.rules.wants_page or self.any_in_hand():
            self.read_history()
            for consumer in [*self.consumers, patient]:
                self.group.rules.acknowledge(list(consumer.in_flight))
            self.fetch(patient)
        assert not self.group.rules.buffer.events
        assert self.seen == set(range(len(self.log)))

    def in_hand(self, index: int) -> Message | None:
        found = [delivery.message for consumer in self.consumers for delivery in consumer.in_flight.values()]
        return found[index % len(found)] if found else None

    def any_in_hand(self) -> bool:
        return self.group.rules.in_flight > 0

    def fetch(self, *others: Consumer) -> None:
        for consumer in [*self.consumers, *others]:
            for one in consumer.outbox:
                assert one.position not in self.handled, "a handled event came again"
                self.seen.add(one.position)
            consumer.outbox.clear()


GroupMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestGroup = GroupMachine.TestCase
