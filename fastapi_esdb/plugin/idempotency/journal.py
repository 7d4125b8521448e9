"""The stream of a key: the appends that were made under it, in their order, and the answer that was given at last."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Response

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.deciders.state_cache import Revision
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.plugin.idempotency.keys import AnswerLost, KeyInUse, KeyReused
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.wire.errors import StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.revisions import NO_EVENT, NO_STREAM, Expected, StreamState

APPENDED, ANSWERED = "$IdempotentAppend", "$IdempotentAnswer"
"""Types of system events, so that readers of `$all` are not given them as the app's."""

MOST_ENTRIES = 1_000
"""Events of a key's stream that are looked at."""

MOST_EVENTS = 10_000
"""Events of a stream that are looked through for those of an append that expected no revision."""

PAUSES = (0.0, 0.05, 0.2, 0.5)
"""Seconds before each look for events that must be there."""

MOST_BYTES = 500_000
"""The largest body that is stored: a server takes events of a megabyte, and this one is in base 64."""

LEFT_OUT = frozenset({b"content-length", b"set-cookie", b"date", b"server", b"connection", b"transfer-encoding"})
"""Headers that are of one answer only, or a secret of one session."""


@dataclass(frozen=True, slots=True)
class Part:
    """The events of an append that go to one stream, and the revision that they follow, if that is known."""

    ids: tuple[UUID, ...]
    after: int | None

    @classmethod
    def of(cls, ids: Sequence[UUID], expected: Expected) -> Part:
        """Return that of an append with an expectation."""
        after = NO_EVENT if expected is NO_STREAM else expected
        return cls(tuple(ids), after if isinstance(after, int) else None)


Parts = Mapping[str, Part]
Found = Mapping[str, Sequence[RecordedEvent]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An append. One that is `atomic` was made together with the entry, others were about to be made after it."""

    number: int
    parts: Parts
    atomic: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is stored."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> Answer | None:
        """Return what is stored of an answer, `None` for one that is an error, has no body at hand, or a long one."""
        body = getattr(response, "body", None)
        if response.status_code >= 400 or not isinstance(body, bytes) or len(body) > MOST_BYTES:  # noqa: PLR2004
            return None
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
        kept = [(name, value) for name, value in headers if name.lower().encode("latin-1") not in LEFT_OUT]
        return cls(response.status_code, kept, body)

    def response(self) -> Response:
        """Return it as an answer."""
        response = Response(self.body, self.status)
        response.raw_headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        return response


class Journal:
    """The entries of a key. A request goes through its entries in their order, and adds what is not there yet.

    Raises `KeyReused` for a key of another request.
    """

    def __init__(self, stream: str, fingerprint: str) -> None:
        self.stream = stream
        self.lock = asyncio.Lock()
        self.revision: Revision = StreamState.NO_STREAM
        self.answer: Answer | None = None
        self.next = 0
        """The number of the append that the request makes next."""
        self._fingerprint = fingerprint
        self._entries: dict[int, list[Entry]] = {}
        self._found: dict[int, Found] = {}

    async def read(self, connection: Connection) -> None:
        """Take in what the stream holds."""
        read = connection.read(self.stream, limit=MOST_ENTRIES, missing_ok=True, read_preference=NodePreference.LEADER)
        for event in await read.to_list():
            self._take(event)

    def _take(self, event: RecordedEvent) -> None:
        if isinstance(self.revision, int) and event.revision <= self.revision:
            return
        held: dict[str, Any] = event.json()
        if held["fingerprint"] != self._fingerprint:
            raise KeyReused
        self.revision = event.revision
        if event.type == APPENDED:
            parts = {
                stream: Part(tuple(map(UUID, part["ids"])), part["after"]) for stream, part in held["streams"].items()
            }
            self._entries.setdefault(held["number"], []).append(Entry(held["number"], parts, held["atomic"]))
        elif event.type == ANSWERED:
            headers = [(name, value) for name, value in held["headers"]]
            self.answer = Answer(held["status"], headers, b64decode(held["body"]))

    def entry(self, parts: Parts, *, atomic: bool) -> NewEvent:
        """Return the event for the next append."""
        streams = {
            stream: {"after": part.after, "ids": [str(one) for one in part.ids]} for stream, part in parts.items()
        }
        held = {"fingerprint": self._fingerprint, "number": self.next, "atomic": atomic, "streams": streams}
        return NewEvent(APPENDED, held)

    def note(self, parts: Parts, *, atomic: bool, revision: int) -> None:
        """Take in the entry that was just written."""
        self._entries.setdefault(self.next, []).append(Entry(self.next, parts, atomic))
        self.revision = revision

    async def keep(self, connection: Connection, answer: Answer) -> None:
        """Store the answer. Raises what `append` raises, and `KeyInUse` where another one is stored."""
        body = b64encode(answer.body).decode()
        held = {"status": answer.status, "headers": answer.headers, "body": body, "fingerprint": self._fingerprint}
        try:
            await Connection.append(connection, self.stream, NewEvent(ANSWERED, held), self.revision)
        except WrongExpectedRevision as error:
            await self.overtaken(connection, error.actual)
            await Connection.append(connection, self.stream, NewEvent(ANSWERED, held), self.revision)

    async def overtaken(self, connection: Connection, actual: Expected | None) -> None:
        """Go on from the revision that the stream is at although nothing is seen in it: all of it has expired.

        Raises `KeyInUse` where somebody else has written to it, also where that can't be read yet.
        """
        before = self.revision
        last = await Connection.last_revision(connection, self.stream, read_preference=NodePreference.LEADER)
        await self.read(connection)
        if self.revision != before or last != actual:
            raise KeyInUse
        self.revision = last

    def streams(self) -> frozenset[str] | None:
        """Return the streams of the next append, `None` where it was not made before."""
        entries = self._entries.get(self.next)
        return frozenset(entries[-1].parts) if entries else None

    async def done(self, connection: Connection, streams: frozenset[str]) -> Found | None:
        """Return the events of the next append if it has been made before. Raises `AnswerLost` for another one."""
        if (known := self.streams()) is None:
            return None
        if known != streams:
            raise AnswerLost
        if self.next not in self._found:
            for entry in self._entries[self.next]:
                if (found := await _find(connection, entry)) is not None:
                    self._found[self.next] = found
                    break
        return self._found.get(self.next)


async def _find(connection: Connection, entry: Entry) -> Found | None:
    """Return the events of an append where all of them are in their streams.

    Those of an atomic one are, though a moment may pass from one stream to the other. Raises `AnswerLost` if they are
    not to be seen any more.
    """
    for pause in PAUSES if entry.atomic else (0.0,):
        await asyncio.sleep(pause)
        found = {stream: await _find_part(connection, stream, part) for stream, part in entry.parts.items()}
        if all(found.values()):
            return found
    if entry.atomic:
        raise AnswerLost
    return None


async def _find_part(connection: Connection, stream: str, part: Part) -> list[RecordedEvent]:
    try:
        start = part.after + 1 if part.after is not None else await _first(connection, stream, part)
        if start is None:
            return []
        page = await connection.read(
            stream, start=start, limit=len(part.ids), read_preference=NodePreference.LEADER
        ).to_list()
    except StreamNotFound:
        return []
    return page if [event.id for event in page] == list(part.ids) else []


async def _first(connection: Connection, stream: str, part: Part) -> int | None:
    """Return the revision of the first event, looked for from the end on."""
    back = connection.read(stream, backwards=True, limit=MOST_EVENTS, read_preference=NodePreference.LEADER)
    async with back as events:
        async for event in events:
            if event.id == part.ids[0]:
                return event.revision
    return None
