"""A cluster as far as it matters to an append whose answer is lost, and a client that follows a `ResolutionPlan`.

One stream, one append to be followed up, others who append as they like, and chance, which says what happens between
any two steps: the leader is replaced by a new process or hands over and comes back, loses what is not durable or not,
has requests lie about and executes them later, loses answers, and shows what was true when it was deposed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID, uuid4

from fastapi_esdb.api.lookup import Absent, Found, Lookup, LookupResult, result_in_place
from fastapi_esdb.api.resolution_plan import LookUp, LookUpInPlace, ResolutionPlan, Send, Step
from fastapi_esdb.wire.errors import ConnectionLost, EsdbError, WrongExpectedRevision
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from tests.api.fakes import recorded

MOST_STEPS = 200


@dataclass
class Process:
    """What a process of a server knows: the ids that it has written itself, and what was durable when it led last."""

    ids: dict[UUID, int] = field(default_factory=dict)
    requests: list[tuple[Expected, UUID]] = field(default_factory=list)
    """What has arrived, and was not looked at so far."""
    shown: int = 0


class Cluster:
    """The log is that of the present leader; each event is at a hundred times its revision, and a hundred."""

    def __init__(self, chance: random.Random, events: int) -> None:
        self.chance = chance
        self.log = [uuid4() for _ in range(events)]
        self.durable = events
        self.term = 0
        self.leader = Process(shown=events)
        self.deposed: Process | None = None

    def execute(self, expected: Expected, event: UUID) -> int:
        """The revision that the leader answers with, which it does as soon as that is durable."""
        last = len(self.log) - 1
        if expected in (ANY, STREAM_EXISTS):
            if event in self.leader.ids:
                return self.leader.ids[event]
        else:
            number = -1 if expected is NO_STREAM else expected
            assert isinstance(number, int)
            if number != last:
                if number < last and self.log[number + 1] == event:
                    return number + 1
                raise WrongExpectedRevision("s", expected, last if last >= 0 else NO_STREAM)
        self.log.append(event)
        self.leader.ids[event] = last + 1
        return last + 1

    def replicate(self) -> None:
        self.durable = self.leader.shown = len(self.log)

    def fail_over(self) -> None:
        """To a new process, or to one that led before; some of what is not durable is kept."""
        self.term += 1
        former = self.leader
        keep = self.chance.randint(self.durable, len(self.log))
        for event in self.log[keep:]:
            former.ids.pop(event, None)
        del self.log[keep:]
        former.requests.clear()  # refused, or gone with the process
        back = self.deposed if self.chance.random() < 0.5 else None
        self.deposed, self.leader = former, back or Process()
        self.replicate()

    def happen(self) -> None:
        """Whatever else happens meanwhile."""
        while (dice := self.chance.random()) < 0.6:
            if dice < 0.25:
                self.execute(ANY, uuid4())
            elif dice < 0.4:
                self.replicate()
            elif dice < 0.5 and self.leader.requests:
                self._execute_late()
            elif dice > 0.55:
                self.fail_over()

    def _execute_late(self) -> None:
        try:
            self.execute(*self.leader.requests.pop(0))
        except WrongExpectedRevision:
            return

    def settle(self) -> None:
        """What lies about is executed, and all is durable."""
        while self.leader.requests:
            self._execute_late()
        self.replicate()

    def send(self, expected: Expected, event: UUID, process: Process | None = None) -> int:
        """An append to the leader, or to that process, and its answer. Raises `ConnectionLost` where that is lost."""
        self.happen()
        if process is not None and process is not self.leader:
            raise ConnectionLost
        dice = self.chance.random()
        if dice < 0.25:
            self.leader.requests.append((expected, event))
            raise ConnectionLost
        if dice < 0.35:
            raise ConnectionLost
        term, revision = self.term, self.execute(expected, event)
        self.happen()
        if self.term != term or self.chance.random() < 0.3:
            raise ConnectionLost
        self.replicate()
        return revision

    def acknowledge_nothing(self, process: Process) -> None:
        """An append of nothing, which only a process that leads can acknowledge."""
        self.happen()
        if process is not self.leader or self.chance.random() < 0.1:
            raise ConnectionLost
        self.replicate()

    def believed_leader(self) -> Process:
        """The leader, or one that does not know yet that it was deposed."""
        return self.deposed if self.deposed and self.chance.random() < 0.3 else self.leader

    def shown(self, process: Process | None = None) -> list[RecordedEvent]:
        """What a look shows; one at no certain process may go to one that does not know yet that it was deposed."""
        self.happen()
        end = (process or self.believed_leader()).shown
        return [recorded(n, id=self.log[n], commit=100 * n + 100) for n in range(end)]


class Client:
    """Has an event appended, whatever it takes."""

    def __init__(self, cluster: Cluster, expected: Expected) -> None:
        self.event = uuid4()
        self.steps: list[Step] = []
        self._cluster = cluster
        self._expected = expected
        self._plan = ResolutionPlan(expected, 1)
        self._since = 100 * cluster.chance.randint(0, cluster.durable)

    def append(self) -> int | None:
        """The revision that the caller is told; `None` for a conflict. Raises `ConnectionLost` if it takes too long."""
        try:
            return self._cluster.send(self._expected, self.event)
        except WrongExpectedRevision:
            return None
        except ConnectionLost:
            return self._follow_up(self._plan.begin())

    def _follow_up(self, step: Step) -> int | None:
        for _ in count():
            self.steps.append(step)
            if len(self.steps) > MOST_STEPS:
                raise ConnectionLost
            try:
                after = self._take(step)
            except EsdbError:
                after = self._plan.lost(step)
            if after is None or isinstance(after, int):
                return after
            step = after
        raise AssertionError

    def _take(self, step: Step) -> Step | int | None:
        match step:
            case Send():
                return self._send(step.expected)
            case LookUp(at_leader=True):
                return self._resolve_at_leader(step)
            case LookUp():
                return self._after(self._look(step.known, self._cluster.shown()))
            case LookUpInPlace():
                page = self._cluster.shown()[step.first : step.first + 1]
                found = result_in_place(page, [self.event], step.first)
                return self._plan.begin() if found is None else self._after_place(found)
        raise AssertionError(step)

    def _send(self, expected: Expected) -> Step | int | None:
        try:
            return self._cluster.send(expected, self.event)
        except WrongExpectedRevision as conflict:
            return self._plan.in_conflict(conflict.actual)

    def _look(self, known: int, events: list[RecordedEvent]) -> LookupResult:
        search = Lookup([self.event], self._since, known)
        if not events:
            return Absent(NO_STREAM)
        while True:
            start = search.start if isinstance(search.start, int) else len(events) - 1
            page = events[max(0, start + 1 - search.limit) : start + 1]
            if (found := search.take(page[::-1])) is not None:
                return found

    def _after(self, found: LookupResult) -> Step | int:
        if isinstance(found, Found):
            return found.revision
        assert isinstance(found, Absent)
        return self._plan.absent(found)

    @staticmethod
    def _after_place(found: LookupResult) -> int | None:
        return found.revision if isinstance(found, Found) else None

    def _resolve_at_leader(self, step: LookUp) -> Step | int:
        process = self._cluster.believed_leader()
        self._cluster.acknowledge_nothing(process)
        found = self._look(step.known, self._cluster.shown(process))
        if not isinstance(found, Absent) or found.end is NO_STREAM:
            return self._after(found)
        return self._cluster.send(self._expected, self.event, process)
