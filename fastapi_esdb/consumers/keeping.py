"""Keeping a consumer's checkpoint: in memory, in the consumer's stream, or in a store of the app's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi_esdb.consumers.checkpoints import Dispatch, Mark
from fastapi_esdb.consumers.dead_letters import DeadLetterStream, settling
from fastapi_esdb.consumers.ledger import Ledger
from fastapi_esdb.consumers.outcomes import Retry, To
from fastapi_esdb.consumers.progress import Progress
from fastapi_esdb.consumers.publishing import Publisher
from fastapi_esdb.consumers.sources import text_of
from fastapi_esdb.errors import EsdbError
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.sources import CatchUpSource, Place
    from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent


class Keeping:
    """A checkpoint in memory, and what the other kinds have in common."""

    def __init__(self, definition: Definition, progress: Progress, connection: Connection) -> None:
        self.dead_letters = DeadLetterStream(connection, definition.dead_letters)
        self._definition = definition
        self._progress = progress

    async def stored(self) -> str | None:
        """Return the text that is stored; `None` if there is none."""
        return None

    def mark(self, event: RecordedEvent) -> Mark | None:  # noqa: ARG002  some save with the handler
        """Return what the handler's transaction is to save with an event."""
        return None

    def saved(self, mark: Mark) -> None:
        """Note that a mark was saved."""

    def completed(self, event: RecordedEvent) -> None:
        """Note that an event is handled, and all before."""
        self._progress.last = event

    async def begin(self, place: Place) -> None:
        """Save where a consumer without a checkpoint begins."""

    def moved(self) -> None:
        """Note that the progress has moved without an event."""

    async def publish(self, event: RecordedEvent, outputs: Sequence[To]) -> None:  # noqa: ARG002
        """Append what the handler has returned together with the checkpoint. Raises `InvalidArgument` if it can't."""
        raise InvalidArgument(
            f"the handler of consumer {self._definition.name!r} returned events, which are appended together with a "
            'checkpoint in a stream: leave `checkpoint` out and say run="one", or append them in the handler'
        )

    async def park(self, event: RecordedEvent, letter: ProposedEvent) -> bool:  # noqa: ARG002  others write both at once
        """Put an event among the dead letters, and return whether the checkpoint was written with that."""
        await self.dead_letters.append(letter)
        return False

    def mark_again(self) -> Mark | None:
        """Return what the handler's transaction is to save with an event that is handled again."""
        return None

    async def publish_again(self, event: RecordedEvent, outputs: Sequence[To], letter: int) -> None:  # noqa: ARG002
        """Append what comes of a parked event, without moving the checkpoint."""
        await self.publish(event, outputs)

    async def work(self) -> None:
        """Save what is completed, until it is cancelled."""
        await asyncio.get_running_loop().create_future()

    async def end(self) -> None:
        """Save the last of it."""

    async def reset(self, place: Place) -> None:
        """Begin again from another place."""
        self._progress.begin_after(place)


class KeepingByApp(Keeping):
    """A checkpoint that the app's own transaction saves."""

    def __init__(
        self,
        definition: Definition,
        progress: Progress,
        connection: Connection,
        dispatch: Dispatch,
        source: CatchUpSource,
    ) -> None:
        super().__init__(definition, progress, connection)
        self._dispatch = dispatch
        self._source = source
        self._saved: str | None = None

    async def stored(self) -> str | None:
        self._saved = await self._dispatch.load(self._definition.name)
        return self._saved

    def mark(self, event: RecordedEvent) -> Mark:
        return Mark(self._definition.name, str(self._source.place_of(event)), self._saved)

    def mark_again(self) -> Mark | None:
        return None if self._saved is None else Mark(self._definition.name, self._saved, self._saved)

    def saved(self, mark: Mark) -> None:
        self._saved = mark.checkpoint

    async def begin(self, place: Place) -> None:
        await self._save(place)

    async def reset(self, place: Place) -> None:
        await self._save(place)
        await super().reset(place)

    async def _save(self, place: Place) -> None:
        mark = Mark(self._definition.name, text_of(place), self._saved)
        await self._dispatch.save(mark)
        self.saved(mark)


class KeepingInStream(Keeping):
    """A checkpoint in the consumer's stream: written while the next events are handled, or with what they return."""

    def __init__(
        self, definition: Definition, progress: Progress, ledger: Ledger, connection: Connection, source: CatchUpSource
    ) -> None:
        super().__init__(definition, progress, connection)
        self._ledger = ledger
        self._source = source
        self._publisher = Publisher(connection, ledger, definition.name)
        self._is_behind = asyncio.Event()
        self._in_turn = asyncio.Lock()

    async def stored(self) -> str | None:
        return self._ledger.entry.place

    def completed(self, event: RecordedEvent) -> None:
        self._progress.last = event
        self._is_behind.set()

    def moved(self) -> None:
        self._is_behind.set()

    async def begin(self, place: Place) -> None:
        self._progress.begin_after(place)
        await self._save()

    async def publish(self, event: RecordedEvent, outputs: Sequence[To]) -> None:
        async with self._in_turn:
            await self._publisher.publish(event, outputs, str(self._source.place_of(event)))
            self._progress.last = event

    async def park(self, event: RecordedEvent, letter: ProposedEvent) -> bool:
        await self.publish(event, (To(self.dead_letters.name, (letter,)),))
        return True

    async def publish_again(self, event: RecordedEvent, outputs: Sequence[To], letter: int) -> None:
        async with self._in_turn:
            place = self._progress.place
            text = self._ledger.entry.place if place is None else text_of(place)
            await self._publisher.publish(event, outputs, text, again=letter)

    async def work(self) -> None:
        failed = 0
        while True:
            await self._is_behind.wait()
            try:
                await self._save()
                failed = 0
            except EsdbError as error:
                failed += 1
                name, reason = self._definition.name, shown(error)
                text = f"the checkpoint of consumer {name!r} is not stored yet: {reason}"
                log.info("checkpoint_delayed", text, consumer=name, reason=reason)
                self._is_behind.set()
                await asyncio.sleep(Retry().pause(failed))

    async def end(self) -> None:
        await self._save(released=True)

    async def reset(self, place: Place) -> None:
        async with self._in_turn:
            await self._ledger.write(place=text_of(place), round=self._ledger.entry.round + 1)
            await super().reset(place)

    async def _save(self, *, released: bool = False) -> None:
        async with self._in_turn:
            self._is_behind.clear()
            place = self._progress.place
            text = self._ledger.entry.place if place is None else text_of(place)
            if text != self._ledger.entry.place or released:
                await self._ledger.write(place=text, released=released)


class Replaying(Keeping):
    """The keeping of a parked event that is handled again: the letter is settled with what comes of it."""

    def __init__(self, keeping: Keeping, letter: int) -> None:
        self.dead_letters = keeping.dead_letters
        self._keeping = keeping
        self._letter = letter

    def mark(self, event: RecordedEvent) -> Mark | None:  # noqa: ARG002  the checkpoint stays where it is
        return self._keeping.mark_again()

    async def publish(self, event: RecordedEvent, outputs: Sequence[To]) -> None:
        handled = To(self.dead_letters.name, (settling(self._letter, "handled"),))
        await self._keeping.publish_again(event, (*outputs, handled), self._letter)

    async def park(self, event: RecordedEvent, letter: ProposedEvent) -> bool:  # noqa: ARG002  it is in the letter
        await self.dead_letters.append(settling(self._letter, "parked"), letter)  # the later one counts
        return True

    def completed(self, event: RecordedEvent) -> None:
        """Leave the checkpoint where it is."""
