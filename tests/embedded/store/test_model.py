"""The store against the model: whatever is done to both, they answer the same."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fastapi_esdb.embedded.store import Database, MemoryStorage, SqliteStorage, Storage
from fastapi_esdb.wire.errors import EsdbError, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from tests.embedded.store.model import Model
from tests.embedded.store.support import Clock, event, revisions, shown

STREAMS = st.sampled_from(["a", "b", "c"])
NAMES = st.sampled_from(["a", "b", "c", "$$a", "$$b", "$$$$a"])
EXPECTED: st.SearchStrategy[Expected] = st.one_of(
    st.sampled_from([ANY, NO_STREAM, STREAM_EXISTS]), st.integers(min_value=0, max_value=12)
)
KEYS = st.fixed_dictionaries(
    {},
    optional={
        "$maxCount": st.integers(min_value=1, max_value=4),
        "$maxAge": st.integers(min_value=1, max_value=30),
        "$tb": st.one_of(st.integers(min_value=0, max_value=8), st.just(2**63 - 1)),
        "$cacheControl": st.just("wrong"),
    },
)


def outcome(call: Callable[[], object]) -> object:
    """What a call answers or raises, comparable."""
    try:
        return call()
    except WrongExpectedRevision as error:
        return (WrongExpectedRevision, error.stream, error.expected, error.actual)
    except EsdbError as error:
        return type(error)


class StoreMachine(RuleBasedStateMachine):
    """Writes to the store and to the model; a restart now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.model = Model()
        self.batches: list[list[ProposedEvent]] = []
        self.storage = self.make_storage()
        self.open()

    def make_storage(self) -> Storage:
        return MemoryStorage()

    def open(self) -> None:
        self.database = Database(self.storage, clock=self.clock)
        self.run(self.database.open())

    def run(self, call: Coroutine[Any, Any, object]) -> Any:
        return self.runner.run(call)

    def teardown(self) -> None:
        self.run(self.database.close())
        self.runner.close()
        self.folder.cleanup()

    def append(self, stream: str, expected: Expected, batch: Sequence[ProposedEvent]) -> None:
        answered = outcome(lambda: self.run(self.database.append(stream, expected, batch)).revision)
        assert answered == outcome(lambda: self.model.append(stream, expected, batch, self.clock.now))

    @rule(stream=STREAMS, expected=EXPECTED, count=st.integers(min_value=0, max_value=4))
    def append_new(self, stream: str, expected: Expected, count: int) -> None:
        batch = [event() for _ in range(count)]
        self.batches.append(batch)
        self.append(stream, expected, batch)

    @precondition(lambda self: self.batches)
    @rule(
        stream=STREAMS,
        expected=EXPECTED,
        choice=st.integers(min_value=0),
        first=st.integers(0, 2),
        more=st.integers(0, 1),
    )
    def append_again(self, stream: str, expected: Expected, choice: int, first: int, more: int) -> None:
        """A former batch, or its end, or that with something new behind it."""
        batch = self.batches[choice % len(self.batches)][first:]
        self.append(stream, expected, batch + [event() for _ in range(more)])

    @rule(stream=STREAMS, expected=EXPECTED, keys=KEYS)
    def set_metadata(self, stream: str, expected: Expected, keys: dict[str, object]) -> None:
        self.append(f"$${stream}", expected, [ProposedEvent(uuid4(), "$metadata", json.dumps(keys).encode())])

    @rule(stream=STREAMS, expected=EXPECTED)
    def delete(self, stream: str, expected: Expected) -> None:
        answered = outcome(lambda: self.run(self.database.delete(stream, expected)) and None)
        assert answered == outcome(lambda: self.model.delete(stream, expected, self.clock.now))

    @rule(stream=st.sampled_from(["c", "d"]), expected=EXPECTED)
    def tombstone(self, stream: str, expected: Expected) -> None:
        answered = outcome(lambda: self.run(self.database.tombstone(stream, expected)) and None)
        assert answered == outcome(lambda: self.model.tombstone(stream, expected, self.clock.now))

    @rule(seconds=st.integers(min_value=0, max_value=20))
    def time_passes(self, seconds: int) -> None:
        self.clock.move(seconds)

    @rule()
    def restart(self) -> None:
        self.run(self.database.close())
        self.open()
        self.model.restart()

    @rule(stream=NAMES, limit=st.integers(min_value=1, max_value=5))
    def read(self, stream: str, limit: int) -> None:
        """Forwards in pages, backwards in one."""
        expected = outcome(lambda: self.model.readable(stream, self.clock.now))
        assert outcome(lambda: self.read_in_pages(stream, limit)) == expected
        assert outcome(lambda: self.read_backwards(stream)) == expected

    @invariant()
    def the_log_is_the_same(self) -> None:
        assert shown(self.database)[-20:] == [(entry.stream, entry.revision) for entry in self.model.log][-20:]

    def read_in_pages(self, stream: str, limit: int) -> list[int]:
        page = self.database.read_stream(stream, limit=limit)
        seen = revisions(page.records)
        while not page.is_end:
            page = self.database.read_stream(stream, page.next, limit=limit)
            seen += revisions(page.records)
        return seen

    def read_backwards(self, stream: str) -> list[int]:
        return revisions(self.database.read_stream(stream, END, BACKWARDS, 1024).records)[::-1]


class SqliteMachine(StoreMachine):
    def make_storage(self) -> Storage:
        return SqliteStorage(Path(self.folder.name) / "store.db")


MANY_STEPS = settings(
    max_examples=50, stateful_step_count=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

TestInMemory = StoreMachine.TestCase
TestInMemory.settings = settings(MANY_STEPS, max_examples=20)
TestOnDisk = SqliteMachine.TestCase
TestOnDisk.settings = settings(MANY_STEPS, max_examples=15)


@pytest.mark.slow
class TestInMemoryForLong(StoreMachine.TestCase):  # type: ignore[valid-type,misc]  # made by hypothesis
    settings = MANY_STEPS


@pytest.mark.slow
class TestOnDiskForLong(SqliteMachine.TestCase):  # type: ignore[valid-type,misc]  # the same
    settings = MANY_STEPS
