"""Runs the rules of a projection: a system's at once, a user's on a thread, where they may take their time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.handling import Batch, Handled, Partitions, SourceEvent
from fastapi_esdb.embedded.projections.script import ScriptFailed
from fastapi_esdb.embedded.store.work import Worker


class Rules(Protocol):
    """The input of a projection, and what it does with each event."""

    definition: Definition
    partitions: Partitions

    def handle(self, event: SourceEvent) -> Handled:
        """Handle an event. Raises ScriptFailed."""


class Handler:
    """The rules of a projection where they run. Made by `open_handler`, to be closed."""

    def __init__(self, rules: Rules, worker: Worker | None = None) -> None:
        self.definition = rules.definition
        self._rules: Rules | None = rules
        self._worker = worker
        self._interrupted = threading.Event()

    async def handle(self, events: Sequence[SourceEvent], partitions: Partitions) -> Batch:
        """Handle events in order, all of them unless one fails or `interrupt` is called."""
        if self._rules is None:
            raise RuntimeError("the rules of a projection run no more after close()")
        self._rules.partitions = partitions
        work = partial(_handle_each, self._rules.handle, events, self._interrupted)
        return await self._worker.run(work) if self._worker else work()

    def interrupt(self) -> None:
        """Handle no more events than the one at hand."""
        self._interrupted.set()

    async def close(self) -> None:
        """Let go of the rules, on the thread that made them, and end it."""
        held, self._rules = [self._rules], None
        if self._worker:
            await self._worker.run(held.clear)
            self._worker.stop()


async def open_handler(make: Callable[[], Rules], *, on_thread: bool) -> Handler:
    """A handler with the rules that `make` makes. Raises ScriptFailed, InvalidArgument."""
    if not on_thread:
        return Handler(make())
    worker = Worker("esdb-projection")
    try:
        return Handler(await worker.run(make), worker)
    except BaseException:
        worker.stop()
        raise


def _handle_each(
    handle: Callable[[SourceEvent], Handled], events: Sequence[SourceEvent], interrupted: threading.Event
) -> Batch:
    handled: list[Handled] = []
    for event in events:
        if interrupted.is_set():
            break
        try:
            handled.append(handle(event))
        except ScriptFailed as error:
            return Batch(handled, f"event {event.record.revision}@{event.record.stream}: {error}")
    return Batch(handled)
