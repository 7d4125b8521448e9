"""`export` and `import`: events as lines of JSON, with progress, and again from where it was interrupted."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fastapi_esdb.api import arguments
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.cli import output
from fastapi_esdb.cli.running import connected
from fastapi_esdb.cli.streams import source_of
from fastapi_esdb.consumers.sources import Place
from fastapi_esdb.errors import WrongExpectedRevision
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import START, Position
from fastapi_esdb.wire.revisions import Expected
from fastapi_esdb.wire.streams.values import ALL

TOGETHER = 500
"""Events of a stream that are appended at a time."""

FLUSHED = 1_000
"""Events after which what was exported is in the file for certain."""


async def export(name: str, file: Path) -> None:
    """Write all events of a stream, a category, or `$all` to a file, behind what an earlier export has written."""
    source, last, written = source_of(name), _last_line(file), 0
    start: Place = START
    if last is not None:
        start = Position.parse(last["position"]) if source.stream == ALL else last["revision"] + 1
    async with connected() as esdb:
        events = source.read(esdb, start)
        with file.open("a", encoding="utf-8", newline="\n") as out, _progress() as progress:
            task = progress.add_task(f"export of {name}", total=None)
            async for event in events:
                if last is not None and str(event.id) == last["id"]:
                    continue
                out.write(json.dumps(line_of(event), ensure_ascii=False) + "\n")
                written += 1
                if written % FLUSHED == 0:
                    out.flush()
                progress.advance(task)
    output.tell(f"{written} events written to {file}" + (", behind those that it had" if last else ""))


async def load(file: Path) -> None:
    """Append the events of a file to their streams, but for those that an earlier import has appended."""
    appended = 0
    async with connected() as esdb:
        importing = await Importing.of(esdb, file)
        with file.open(encoding="utf-8") as lines, _progress() as progress:
            task = progress.add_task(f"import of {file}", total=importing.lines)
            for stream, events in _together(_parsed(lines, file)):
                appended += await importing.append(stream, events)
                progress.advance(task, len(events))
    output.tell(f"{appended} events appended, {importing.lines - appended} were there")


@dataclass
class Importing:
    """An import under way: where each stream of the file is, and the last event that it has of the file."""

    esdb: Connection
    lines: int = 0
    expected: dict[str, Expected] = field(default_factory=dict)
    skipping: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    async def of(cls, esdb: Connection, file: Path) -> Importing:
        """Compare the file with the database. Raises `InvalidArgument` for streams that have other events."""
        self, ids = cls(esdb), dict[str, set[UUID]]()
        with file.open(encoding="utf-8") as lines:
            for stream, event in _parsed(lines, file):
                ids.setdefault(stream, set()).add(event.id)
                self.lines += 1
        for stream, known in ids.items():
            newest = await esdb.read(stream, backwards=True, limit=1, missing_ok=True).to_list()
            if not newest:
                self.expected[stream] = await esdb.last_revision(stream)
                continue
            if newest[0].id not in known:
                raise InvalidArgument(f"stream {stream!r} has events that are not in {file}: nothing was appended")
            self.expected[stream], self.skipping[stream] = newest[0].revision, newest[0].id
        return self

    async def append(self, stream: str, events: list[NewEvent]) -> int:
        """Append events of one stream that follow each other; return how many were not there yet."""
        fresh = list(self._fresh(stream, events))
        if not fresh:
            return 0
        try:
            result = await self.esdb.append(stream, fresh, self.expected[stream])
        except WrongExpectedRevision as error:
            raise InvalidArgument(f"somebody else has written to stream {stream!r} meanwhile") from error
        self.expected[stream] = result.revision
        return len(fresh)

    def _fresh(self, stream: str, events: list[NewEvent]) -> Iterator[NewEvent]:
        for event in events:
            last = self.skipping.get(stream)
            if last is None:
                yield event
            elif event.id == last:
                del self.skipping[stream]


def line_of(event: RecordedEvent) -> dict[str, Any]:
    """Return an event as a line of an export has it: nothing of its data is changed."""
    return {
        "stream": event.stream,
        "revision": event.revision,
        "id": str(event.id),
        "type": event.type,
        "created": event.created.isoformat(),
        "position": None if event.position is None else str(event.position),
        "content_type": event.content_type,
        "data": _packed(event.data),
        "metadata": _packed(event.metadata),
    }


def _packed(data: bytes) -> Any:
    """Return JSON as what it is if the same bytes come of it again, other text as `text`, and the rest as `base64`."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {"text": text}
    return {"json": found} if _bytes_of_json(found) == data else {"text": text}


def _unpacked(packed: Any) -> bytes:
    match packed:
        case {"json": found}:
            return _bytes_of_json(found)
        case {"text": str(text)}:
            return text.encode()
        case {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
    raise ValueError("data must be json, text or base64")


def _bytes_of_json(found: Any) -> bytes:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def _event_of(parsed: dict[str, Any]) -> NewEvent:
    return NewEvent(
        parsed["type"],
        _unpacked(parsed["data"]),
        _unpacked(parsed["metadata"]) or None,
        id=UUID(parsed["id"]),
        content_type=parsed["content_type"],
    )


def _parsed(lines: Iterable[str], file: Path) -> Iterator[tuple[str, NewEvent]]:
    """Return each event of an export, with its stream."""
    for number, line in enumerate(lines, 1):
        try:
            parsed = json.loads(line)
            found = arguments.stream_name(parsed["stream"]), _event_of(parsed)
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidArgument(f"{file}, line {number}: is no event of an export ({error})") from None
        yield found


def _together(parsed: Iterable[tuple[str, NewEvent]]) -> Iterator[tuple[str, list[NewEvent]]]:
    """Put events that follow each other in one stream together."""
    at_hand: list[NewEvent] = []
    before = ""
    for stream, event in parsed:
        if at_hand and (stream != before or len(at_hand) == TOGETHER):
            yield before, at_hand
            at_hand = []
        before = stream
        at_hand.append(event)
    if at_hand:
        yield before, at_hand


def _last_line(file: Path) -> dict[str, Any] | None:
    """Return the last event that is whole in a file; what an interrupted export has left behind it is cut off."""
    if not file.exists():
        return None
    with file.open("r+b") as found:
        end = _end_of_lines(found)
        found.truncate(end)
        found.seek(0)
        last = b""
        for line in found:
            last = line
    parsed: dict[str, Any] | None = json.loads(last) if last else None
    return parsed


def _end_of_lines(file: IO[bytes]) -> int:
    """Return where the last whole line ends."""
    end = 0
    for line in file:
        if line.endswith(b"\n"):
            end += len(line)
    return end


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=output.errors, transient=True, disable=not output.errors.is_terminal) as progress:
        yield progress
