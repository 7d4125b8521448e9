"""Tests of endpoints by the events that are stored before a request, and those that are stored by it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import ndiff
from types import MappingProxyType
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeAlias, TypeVar, overload

from fastapi_esdb.api import filters
from fastapi_esdb.api.arguments import StartInAll
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.proposing import Appendable, proposed
from fastapi_esdb.plugin.sync import SyncConnection
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.json_forms import json_or_base64
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import START

Parameters = ParamSpec("Parameters")

EventsOfStreams: TypeAlias = Mapping[str, Appendable | Sequence[Appendable]]
"""Events by the names of their streams: one, or several in a list."""

NONE: EventsOfStreams = MappingProxyType({})

UNCHECKED: Any = object()
"""The `json` of an answer whose body may be anything."""


class HttpAnswer(Protocol):
    """The answer of an HTTP client: httpx, httpx2, TestClient."""

    @property
    def status_code(self) -> int:
        """Return the status."""
        ...

    @property
    def text(self) -> str:
        """Return the body."""
        ...

    def json(self) -> Any:
        """Return the body as JSON."""
        ...


Answer = TypeVar("Answer", bound=HttpAnswer)


@overload
def given_streams(esdb: Connection, streams: EventsOfStreams = ...) -> GivenStreams: ...
@overload
def given_streams(esdb: SyncConnection, streams: EventsOfStreams = ...) -> SyncGivenStreams: ...
def given_streams(
    esdb: Connection | SyncConnection, streams: EventsOfStreams = NONE
) -> GivenStreams | SyncGivenStreams:
    """Return a database with these events, in addition to those that it has, to send a request to the app.

    With a `Connection`:

        placed = given_streams(esdb, {"order-1": OrderPlaced(cents=5)})
        outcome = await placed.when(client.post, "/orders/1/payment")
        outcome.then(200, events={"order-1": OrderPaid(cents=5)})

    With a `SyncConnection` the same without `await`.
    """
    return SyncGivenStreams(esdb, streams) if isinstance(esdb, SyncConnection) else GivenStreams(esdb, streams)


class GivenStreams:
    """Streams that are to have events when a request is sent."""

    def __init__(self, esdb: Connection, streams: EventsOfStreams) -> None:
        self._esdb = esdb
        self._streams = _made(streams)

    async def when(
        self, send: Callable[Parameters, Awaitable[Answer]], *args: Parameters.args, **options: Parameters.kwargs
    ) -> HttpOutcome[Answer]:
        """Append the events, await `send(*args, **options)`, and return the answer with the events that are new then.

        `send` is a method of an HTTP client: `client.post`. Raises what it raises, and what appending does.
        """
        for stream, events in self._streams.items():
            await self._esdb.append(stream, events)
        before = _start_behind(await self._esdb.read_all(backwards=True, limit=1).to_list())
        answer = await send(*args, **options)
        new = await self._esdb.read_all(start=before, filter=filters.exclude_system()).to_list()
        return HttpOutcome(answer, _those_behind(before, new))


class SyncGivenStreams:
    """Streams that are to have events when a request is sent, in a test that is a `def`."""

    def __init__(self, esdb: SyncConnection, streams: EventsOfStreams) -> None:
        self._esdb = esdb
        self._streams = _made(streams)

    def when(
        self, send: Callable[Parameters, Answer], *args: Parameters.args, **options: Parameters.kwargs
    ) -> HttpOutcome[Answer]:
        """Append the events, call `send(*args, **options)`, and return the answer with the events that are new then.

        `send` is a method of an HTTP client: `client.post`. Raises what it raises, and what appending does.
        """
        for stream, events in self._streams.items():
            self._esdb.append(stream, events)
        before = _start_behind(self._esdb.read_all(backwards=True, limit=1))
        answer = send(*args, **options)
        new = self._esdb.read_all(start=before, filter=filters.exclude_system())
        return HttpOutcome(answer, _those_behind(before, new))


@dataclass(frozen=True)
class HttpOutcome(Generic[Answer]):
    """The answer to a request, and the events that were stored meanwhile, in all streams, in their order."""

    response: Answer
    events: tuple[RecordedEvent, ...]

    def then(self, status: int, *, json: Any = UNCHECKED, events: EventsOfStreams = NONE, others: bool = False) -> Self:
        """Check the status of the answer, its body if `json` says one, and which events are new; without any: none.

        Compared are the types, data and order of the events of each stream, and of their metadata what the expected
        ones have. With `others=True` streams that are not named may have new events, too: those that consumers of the
        app return come in their own time. Raises `AssertionError`, which shows the differences.
        """
        expected = _made(events)
        streams = expected.keys() if others else {*expected, *(event.stream for event in self.events)}
        faults = [*self._faults_of_answer(status, json), *self._faults_of_events(expected, sorted(streams))]
        if faults:
            raise AssertionError("\n".join(faults))
        return self

    def _faults_of_answer(self, status: int, body: Any) -> Iterable[str]:
        if self.response.status_code != status:
            yield f"the status is {self.response.status_code}, and expected was {status}: {self.response.text}"
        elif body is not UNCHECKED and (found := self._json()) != body:
            yield "the answer (-) is not as expected (+):"
            yield from _differences(_lines(found), _lines(body))

    def _json(self) -> Any:
        """Return the body as JSON, and one that is none as its text."""
        try:
            return self.response.json()
        except ValueError:
            return self.response.text

    def _faults_of_events(
        self, expected: Mapping[str, tuple[ProposedEvent, ...]], streams: Iterable[str]
    ) -> Iterable[str]:
        for stream in streams:
            found = [event for event in self.events if event.stream == stream]
            wanted = expected.get(stream, ())
            pairs = zip(found, wanted, strict=False)
            if len(found) != len(wanted) or not all(_is_as_expected(*pair) for pair in pairs):
                keys = {key for event in wanted for key in _metadata(event)}
                yield f"the new events of {stream!r} (-) are not as expected (+):"
                yield from _differences([_shown(event, keys) for event in found], [_shown(e, keys) for e in wanted])


def _made(streams: EventsOfStreams) -> dict[str, tuple[ProposedEvent, ...]]:
    return {stream: proposed(events) for stream, events in streams.items()}


def _start_behind(newest: list[RecordedEvent]) -> StartInAll:
    return newest[0] if newest else START


def _those_behind(before: StartInAll, events: list[RecordedEvent]) -> tuple[RecordedEvent, ...]:
    """Leave out the event that the read began with: it was there before."""
    known = before.id if isinstance(before, RecordedEvent) else None
    return tuple(event for event in events if event.id != known)


def _is_as_expected(found: RecordedEvent, wanted: ProposedEvent) -> bool:
    return _shown(found, _metadata(wanted)) == _shown(wanted, _metadata(wanted))


def _shown(event: RecordedEvent | ProposedEvent, keys: Iterable[str]) -> str:
    """Return an event as a line, with those keys of its metadata."""
    metadata = _metadata(event)
    told = {key: metadata[key] for key in sorted(keys) if key in metadata}
    line = f"{event.type} {_json(json_or_base64(event.data, event.content_type == JSON))}"
    return f"{line} metadata {_json(told)}" if told else line


def _metadata(event: RecordedEvent | ProposedEvent) -> dict[str, Any]:
    found = json_or_base64(event.metadata) if event.metadata else {}
    return found if isinstance(found, dict) else {"": found}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _lines(value: Any) -> list[str]:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, default=repr).splitlines()


def _differences(found: list[str], expected: list[str]) -> Iterable[str]:
    return (f"  {line.rstrip()}" for line in ndiff(found, expected))
