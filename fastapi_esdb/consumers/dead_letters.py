"""Dead letters: events that a consumer could not handle and has put aside, each with the error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from fastapi_esdb.api import arguments
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.proposing import proposed
from fastapi_esdb.wire.errors import (
    AccessDenied,
    DeadlineExceeded,
    InvalidArgument,
    NoAnswer,
    StreamDeleted,
    StreamNotFound,
)
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.positions import Position

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.subscriptions import Subscription
    from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent

PARKED = "$ConsumerDeadLetter"
SETTLED = "$ConsumerDeadLetterSettled"
"""Types of system events, so that consumers of `$all` are not given them."""

LONGEST_MESSAGE = 2_000
"""Characters of an error's text that a dead letter keeps."""

Settlement = Literal["handled", "parked", "dropped", "gone"]
"""The end of a dead letter: handled, parked again under another number, dropped, or its event is not stored now."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was put aside: `number` names it, `revision` and `stream` say where it is, or the link to it.

    `error` is the full name of the exception's class and `message` its text, as far as 2,000 characters; `attempts` are
    the times that the event was tried, and `parked_at` is when that was given up (UTC).
    """

    number: int
    stream: str
    revision: int
    is_link: bool
    type: str
    event_id: UUID
    position: Position | None
    error: str
    message: str
    attempts: int
    parked_at: datetime

    @classmethod
    def of(cls, recorded: RecordedEvent) -> DeadLetter:
        """Return the dead letter in an event of the consumer's stream. Raises `NoAnswer` if it can't be read."""
        try:
            data = recorded.json()
            position = data["position"]
            return cls(
                recorded.revision,
                data["stream"],
                data["revision"],
                data["is_link"],
                data["type"],
                UUID(data["id"]),
                None if position is None else Position.parse(position),
                data["error"],
                data["message"],
                data["attempts"],
                recorded.created,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoAnswer(f"dead letter {recorded.revision} of {recorded.stream!r} can't be read") from error


def letter_about(event: RecordedEvent, error: Exception, attempts: int) -> ProposedEvent:
    """Return what is appended for an event that is put aside."""
    kind = type(error)
    [letter] = proposed(
        NewEvent(
            PARKED,
            {
                "stream": event.original.stream,
                "revision": event.original.revision,
                "is_link": event.link is not None,
                "type": event.type,
                "id": str(event.id),
                "position": None if event.original.position is None else str(event.original.position),
                "error": f"{kind.__module__}.{kind.__qualname__}",
                "message": str(error)[:LONGEST_MESSAGE],
                "attempts": attempts,
            },
        )
    )
    return letter


def settling(number: int, how: Settlement) -> ProposedEvent:
    """Return what is appended when a dead letter is none any more."""
    [settled] = proposed(NewEvent(SETTLED, {"letter": number, "how": how}))
    return settled


class DeadLetterStream:
    """The stream of a consumer's dead letters: those that are parked, and what has become of them."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.name = name
        self._connection = connection

    async def append(self, *events: ProposedEvent) -> None:
        """Append letters, or what has become of some. Raises as `append` of a connection."""
        await self._connection.append(self.name, events, retry_unknown=True)

    async def open(self) -> dict[int, DeadLetter]:
        """Return the letters that are not settled by number, the oldest first.

        An event that was parked twice, since a process died in between, is one letter, under its last number.
        """
        events: dict[int, tuple[str, int]] = {}
        found: dict[tuple[str, int], DeadLetter] = {}
        with suppress(StreamNotFound):
            async for recorded in self._connection.read(self.name, requires_leader=True):
                if recorded.type == PARKED:
                    letter = DeadLetter.of(recorded)
                    events[letter.number] = event = (letter.stream, letter.revision)
                    found.pop(event, None)
                    found[event] = letter
                elif (number := settled(recorded)) in events:
                    found.pop(events[number], None)
        return {letter.number: letter for letter in found.values()}

    async def event(self, letter: DeadLetter) -> RecordedEvent | None:
        """Return the event that a letter is about, as its consumer gets it; `None` if it is not stored any more."""
        reading = self._connection.read(
            letter.stream, start=letter.revision, limit=1, resolve_links=letter.is_link, missing_ok=True
        )
        try:
            events = await reading.to_list()
        except StreamDeleted:
            return None
        return next((event for event in events if event.original.revision == letter.revision), None)

    def settlements(self, after: int) -> Subscription[int, RecordedEvent]:
        """Return a subscription to what becomes of letters."""
        return self._connection.subscribe(self.name, after=after)

    async def tidy(self) -> None:
        """Have the server forget what stands before the first letter that is open."""
        last = await self._connection.last_revision(self.name)
        if isinstance(last, int):
            first = min(await self.open(), default=last + 1)
            with suppress(AccessDenied):  # it grows, then; who runs the database decides that
                await self._connection.set_metadata(self.name, StreamMetadata(truncate_before=first))


def settled(recorded: RecordedEvent) -> int | None:
    """Return the number of the letter that is settled by an event, `None` for any other event."""
    data = recorded.json() if recorded.type == SETTLED else None
    return data.get("letter") if isinstance(data, dict) else None


class DeadLetters:
    """The events that a consumer has parked. Each has a number, and can be looked at, handled again, or dropped."""

    def __init__(self, stream: DeadLetterStream, replay: Callable[[Sequence[int]], Awaitable[None]]) -> None:
        self._stream = stream
        self._replay = replay

    async def list(self, *, limit: int | None = None, after: int | None = None) -> list[DeadLetter]:
        """Return them, the oldest first: `limit` of them at most, behind the one with the number `after`.

        Raises `InvalidArgument`.
        """
        most = arguments.limit_of_events(limit)
        found = [letter for number, letter in (await self._stream.open()).items() if after is None or number > after]
        return found[:most]

    async def get(self, number: int) -> DeadLetter | None:
        """Return the one with that number, `None` if there is none, or none any more."""
        return (await self._stream.open()).get(number)

    async def event(self, number: int) -> RecordedEvent | None:
        """Return the event that was parked under a number, `None` if it is not stored any more."""
        letter = await self.get(number)
        return None if letter is None else await self._stream.event(letter)

    async def replay(self, *numbers: int, timeout: float = 30.0) -> int:
        """Have the consumer handle parked events again, each once, and return how many it could handle.

        Without numbers that is all of them. One that fails again is parked again, with the new error and under another
        number. It is the process that handles the consumer's events which does it, between two of them. Raises
        `InvalidArgument` for a number that is none, and `DeadlineExceeded` if it was not done within `timeout` seconds;
        it will be done then when the consumer runs.
        """
        limit = arguments.seconds(timeout, "timeout")
        chosen = await self._chosen(numbers)
        if not chosen:
            return 0
        handled, left = 0, set(chosen)
        try:
            async with asyncio.timeout(limit), self._stream.settlements(max(chosen)) as events:
                await self._replay(chosen)
                while left:
                    recorded = await anext(events)
                    if (number := settled(recorded)) in left:
                        left.remove(number)
                        handled += recorded.json().get("how") == "handled"
        except TimeoutError:
            raise DeadlineExceeded from None
        return handled

    async def drop(self, *numbers: int) -> int:
        """Forget parked events, without numbers all of them, and return how many. Raises `InvalidArgument`."""
        chosen = await self._chosen(numbers)
        if chosen:
            await self._stream.append(*(settling(number, "dropped") for number in chosen))
            await self._stream.tidy()
        return len(chosen)

    async def _chosen(self, numbers: Sequence[int]) -> Sequence[int]:
        known = await self._stream.open()
        for number in numbers:
            if number not in known:
                raise InvalidArgument(f"there is no dead letter {quoted(number)}: list() has those that there are")
        return sorted(numbers or known)
