"""Commands for a consumer: told in this process, or by the database to whichever process handles the events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.consumers.sources import CatchUpSource, Place, text_of
from fastapi_esdb.log import log

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.consuming import Consumer
    from fastapi_esdb.wire.events.values import RecordedEvent

TYPE = "$ConsumerCommand"
"""The type of the events that carry commands."""

PATIENCE = 10.0
"""Seconds that a command is waited for, where it is for this process; it is done later then."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command for a consumer."""

    name: str
    place: Place | None = None
    letters: Sequence[int] = ()
    id: UUID = field(default_factory=uuid4)

    def event(self) -> NewEvent:
        """Return the event that carries it."""
        place = None if self.place is None else text_of(self.place)
        return NewEvent(TYPE, {"command": self.name, "place": place, "letters": list(self.letters)}, id=self.id)

    @classmethod
    def of(cls, event: RecordedEvent, source: CatchUpSource) -> Command:
        """Return the command in an event. Raises `ValueError`, `KeyError` or `TypeError` if there is none."""
        data = event.json()
        place, letters = data["place"], data.get("letters", ())
        if not all(isinstance(each, int) for each in letters):
            raise TypeError("letters must be numbers")
        return cls(data["command"], None if place is None else source.parse(place), letters, event.id)


class Commands:
    """The commands that are to be done, in order; `wake` is called when there is one."""

    def __init__(self, connection: Connection, consumer: str, wake: Callable[[], None]) -> None:
        self.stream = f"esdb_commands-{consumer}"
        self._connection = connection
        self._consumer = consumer
        self._wake = wake
        self._due: deque[Command] = deque()
        self._awaited: dict[UUID, asyncio.Future[None]] = {}
        self._events: Consumer[RecordedEvent] | None = None

    @property
    def next(self) -> Command | None:
        """The command that is to be done now."""
        return self._due[0] if self._due else None

    async def done(self, command: Command, error: Exception | None = None) -> None:
        """Note that a command was done, or why it can't be, and tell who waits for that."""
        self._due.remove(command)
        waiter = self._awaited.get(command.id)
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
        if self._events is not None:
            await self._events.ack(command.id)

    async def tell(self, command: Command) -> None:
        """Have a command done in this process, and wait until it is, for some seconds. Raises what hinders that."""
        with self._awaiting(command) as done, suppress(TimeoutError):  # an event may be at hand for long
            self._due.append(command)
            self._wake()
            async with asyncio.timeout(PATIENCE):
                await done

    async def send(self, command: Command, *, is_for_here: bool) -> None:
        """Send a command by the database; where it is for this process, wait until it is done, for some seconds."""
        with self._awaiting(command) as done, suppress(TimeoutError):  # another process may take over meanwhile
            await self._connection.append(self.stream, command.event())
            if is_for_here:
                async with asyncio.timeout(PATIENCE):
                    await done

    async def hear(self, events: Consumer[RecordedEvent], source: CatchUpSource) -> None:
        """Take in the commands that come by the database. They come again until they are done."""
        self._events = events
        self._due.clear()
        async for event in events:
            try:
                self._due.append(Command.of(event, source))
            except (ValueError, KeyError, TypeError):
                text = f"consumer {self._consumer!r} was given a command that can't be read"
                log.warning("command_unreadable", text, consumer=self._consumer)
                await events.ack(event)
            else:
                self._wake()

    @contextmanager
    def _awaiting(self, command: Command) -> Iterator[asyncio.Future[None]]:
        """Give a future that is done when a command was."""
        done = self._awaited[command.id] = asyncio.get_running_loop().create_future()
        try:
            yield done
        finally:
            del self._awaited[command.id]
