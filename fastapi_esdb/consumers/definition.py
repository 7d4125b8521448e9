"""The definition of a consumer: all that was said about it, checked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from fastapi_esdb.api import arguments
from fastapi_esdb.api.decoding import EventDecoder, decoder
from fastapi_esdb.connection.deadline import seconds
from fastapi_esdb.consumers.checkpoints import (
    CheckpointStore,
    InMemory,
    InStream,
)
from fastapi_esdb.consumers.outcomes import OnError, Policy, policy
from fastapi_esdb.consumers.sources import GroupSource, Place, Source
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import START

Run = Literal["one", "each"]
"""Which processes handle the events: one of all, or each of them all."""

OrderedBy = Literal["stream"] | Callable[[Any], Hashable] | None

CHECKPOINTS, DEAD_LETTERS = "esdb_checkpoint-", "esdb_dead_letters-"
"""The names of consumers' streams begin with these."""

STOP_TIMEOUT = 5.0
"""Seconds that the event at hand is given when the app stops."""

STALLED_AFTER = 60.0
"""Seconds without progress after which health says so."""

REACHED_TIMEOUT = 2.0
"""Seconds that it is waited for a consumer to come to a place."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """A consumer as it was defined; `Esdb.consumer` and `consuming` say what the parts mean."""

    name: str
    source: Source
    types: EventDecoder[Any] | None
    run: Run
    checkpoint: CheckpointStore | InMemory | InStream
    start: Place
    on_error: OnError
    concurrency: int
    ordered_by: OrderedBy
    stop_timeout: float
    stalled_after: float
    required: bool

    @property
    def store(self) -> CheckpointStore | None:
        """The store of the app's own that keeps the checkpoint, if one does."""
        return None if isinstance(self.checkpoint, InMemory | InStream) else self.checkpoint

    @property
    def dead_letters(self) -> str:
        """The stream that events are parked in."""
        return DEAD_LETTERS + self.name

    @property
    def stream(self) -> str:
        """The stream that tells which process handles the events and, unless it is kept elsewhere, the checkpoint."""
        named = self.checkpoint.stream if isinstance(self.checkpoint, InStream) else None
        return named or CHECKPOINTS + self.name


class ConsumerOptions(TypedDict, total=False):
    """The options of a consumer; `Esdb.consumer` says what they mean."""

    types: EventDecoder[Any] | None
    run: Run | None
    checkpoint: CheckpointStore | InMemory | InStream | None
    start: Place
    on_error: Policy | None
    concurrency: int
    ordered_by: OrderedBy
    stop_timeout: float
    stalled_after: float
    required: bool


def define(
    name: str,
    source: Source,
    *,
    types: EventDecoder[Any] | None = None,
    run: Run | None = None,
    checkpoint: CheckpointStore | InMemory | InStream | None = None,
    start: Place = START,
    on_error: Policy | None = None,
    concurrency: int = 1,
    ordered_by: OrderedBy = "stream",
    stop_timeout: float = STOP_TIMEOUT,
    stalled_after: float = STALLED_AFTER,
    required: bool = False,
) -> Definition:
    """Return the definition of a consumer. Raises `InvalidArgument`, which names what can't be."""
    if not _NAME.fullmatch(arguments.text(name, "name")):
        raise InvalidArgument(
            f"name must be letters, digits, '-', '_' and '.', and begin with one of the first: {name!r}"
        )
    if run not in (None, "one", "each"):
        raise InvalidArgument('run must be "one" (one process of all) or "each" (every process)')
    if isinstance(source, GroupSource):
        _check_group(run, checkpoint, start, ordered_by)
        run, checkpoint = "each", InMemory()
    else:
        start = arguments.start(start, arguments.source(source.stream), "start")
    chosen: Run = run or "one"
    kept = checkpoint if checkpoint is not None else InStream() if chosen == "one" else InMemory()
    _check_store(kept)
    arguments.whole_number(concurrency, "concurrency", least=1, most=10_000)
    if not (ordered_by in ("stream", None) or callable(ordered_by)):
        raise InvalidArgument('ordered_by must be "stream", a function of the event, or None for no order')
    found = Definition(
        name,
        source,
        decoder(types),
        chosen,
        kept,
        start,
        policy(on_error),
        concurrency,
        ordered_by,
        seconds(stop_timeout, "stop_timeout"),
        seconds(stalled_after, "stalled_after"),
        required,
    )
    _check_together(found)
    return found


def _check_group(run: Run | None, checkpoint: object, start: Place, ordered_by: OrderedBy) -> None:
    if run is not None or checkpoint is not None or start is not START or callable(ordered_by):
        raise InvalidArgument(
            "run, checkpoint, start and ordered_by are not for a group: the server hands its events out to all "
            "processes, in no strict order, and keeps the progress"
        )


def _check_store(kept: object) -> None:
    if isinstance(kept, InMemory | InStream):
        return
    for method in ("load", "save"):
        if not inspect.isroutine(getattr(kept, method, None)):
            raise InvalidArgument(
                f"checkpoint must be InMemory(), InStream(), or an object with load and save; it has no {method}()"
            )


def _check_together(found: Definition) -> None:
    if found.run == "each" and isinstance(found.checkpoint, InStream) and not found.checkpoint.stream:
        raise InvalidArgument(
            'run="each" handles all events in every process, so they can\'t share a checkpoint: '
            'let each begin anew with InMemory(), or name a stream that is this process\'s own: InStream("…")'
        )
    if found.run == "one" and isinstance(found.checkpoint, InMemory):
        raise InvalidArgument('run="one" needs a checkpoint that the next process finds: InMemory() is for run="each"')
    if found.store is not None and found.concurrency > 1:
        raise InvalidArgument(
            "concurrency is for checkpoints in a stream: a transaction of the app's own saves its own"
        )


def key_of(definition: Definition) -> Callable[[RecordedEvent, Any], Hashable] | None:
    """Return what tells which events must be handled one after the other; `None` where no order is kept."""
    ordered_by = definition.ordered_by
    if callable(ordered_by):
        return lambda _event, item: ordered_by(item)
    return None if ordered_by is None else lambda event, _item: event.stream
