"""Following a source: one round after another, until something else is to be done."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi_esdb.consumers.checkpoints import Dispatch
from fastapi_esdb.consumers.dead_letters import settling
from fastapi_esdb.consumers.handling import Handling
from fastapi_esdb.consumers.keeping import Keeping, Replaying
from fastapi_esdb.consumers.outcomes import Park, policy
from fastapi_esdb.consumers.progress import Progress
from fastapi_esdb.log import log
from fastapi_esdb.wire.positions import Position

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.stop import Endless
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.sources import Place
    from fastapi_esdb.consumers.status import Observed


async def first_of(*jobs: Coroutine[Any, Any, object]) -> None:
    """Run several jobs until one of them ends, end the others, and raise what it has raised."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if task in done:
            task.result()


class Following(ABC):
    """Follows the source of a consumer; `halt` has it come to an end after the event at hand."""

    progress: Progress
    keeping: Keeping

    def __init__(self, definition: Definition, connection: Connection, dispatch: Dispatch, observed: Observed) -> None:
        self._definition = definition
        self._connection = connection
        self._observed = observed
        self._dispatch = dispatch
        self._halted = asyncio.Event()
        self._open: Endless | None = None
        self._is_paused = False

    def halt(self) -> None:
        """Begin no further event."""
        self._halted.set()
        if self._open is not None:
            self._open.stop()

    def unhalt(self) -> None:
        """Let the next `follow` handle events."""
        self._halted.clear()

    @property
    def is_handling(self) -> bool:
        """True while events may be at hand."""
        return self._open is not None

    @property
    def is_live(self) -> bool:
        """True while all there was has been given."""
        return False

    @property
    def position(self) -> Position | None:
        """The position in `$all` up to which everything is handled, or is nothing of this consumer's."""
        return self.progress.position

    @abstractmethod
    async def take(self) -> None:
        """Get hold of what this process needs to handle events at all."""

    @abstractmethod
    async def follow(self) -> None:
        """Handle events until it is told to halt. Raises what hinders that."""

    @abstractmethod
    async def leave(self) -> None:
        """Give up what was taken."""

    async def replay(self, numbers: Sequence[int]) -> None:
        """Handle parked events again, each once. Raises what hinders that."""
        stream = self.keeping.dead_letters
        letters = await stream.open()
        once = replace(self._definition, on_error=policy({Exception: Park}))
        for number in numbers:
            if number not in letters:
                continue  # it is settled since
            event = await stream.event(letters[number])
            if event is None:
                name = self._definition.name
                text = f"consumer {name!r}: the event of dead letter {number} is gone"
                log.warning("dead_letter_gone", text, consumer=name, number=number)
                await stream.append(settling(number, "gone"))
                continue
            keeping = Replaying(self.keeping, number)
            if not await self._handling(keeping, once).handle(event):
                await stream.append(settling(number, "handled"))
        await stream.tidy()

    @property
    def is_paused(self) -> bool:
        """True if no event is to be handled until somebody says so."""
        return self._is_paused

    async def pause(self, *, is_paused: bool) -> None:
        """Pause, or go on."""
        self._is_paused = is_paused

    @abstractmethod
    async def reset(self, place: Place) -> None:
        """Go on from another place."""

    def _handling(self, keeping: Keeping, definition: Definition) -> Handling:
        halted = self._halted if definition is self._definition else asyncio.Event()
        return Handling(definition, self._dispatch, keeping, self._observed, connection=self._connection, halted=halted)

    def _opened(self, endless: Endless) -> None:
        self._open = endless
        if self._halted.is_set():
            endless.stop()
