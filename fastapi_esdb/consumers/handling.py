"""Handling one event: its handler is called until it has succeeded, or it is decided what else becomes of the event."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fastapi_esdb.consumers.checkpoints import CheckpointMoved, Dispatch
from fastapi_esdb.consumers.ledger import Interrupted
from fastapi_esdb.consumers.outcomes import Decision, Halted, Retry, Skip, Stopped, To, returned
from fastapi_esdb.errors import EsdbError
from fastapi_esdb.wire.errors import Outcome
from fastapi_esdb.wire.errors.unreadable import shown

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.keeping import Keeping
    from fastapi_esdb.consumers.status import Observed
    from fastapi_esdb.wire.events.values import RecordedEvent

logger = logging.getLogger("fastapi_esdb")


Turn = Callable[[], Awaitable[None]]


class Handling:
    """Handles events of a consumer, one at a time or several at once."""

    def __init__(
        self,
        definition: Definition,
        dispatch: Dispatch,
        keeping: Keeping,
        observed: Observed,
        *,
        connection: Connection,
        halted: asyncio.Event,
    ) -> None:
        self._name = definition.name
        self._decode = definition.types.decode_all if definition.types is not None else None
        self._on_error = definition.on_error
        self._saves = definition.store is not None
        self._dispatch = dispatch
        self._keeping = keeping
        self._observed = observed
        self._connection = connection
        self._halted = halted

    async def handle(
        self, event: RecordedEvent, turn: Turn | None = None, free: asyncio.Semaphore | None = None
    ) -> bool:
        """Return when the event is handled or skipped, and whether its checkpoint was written with what it returned.

        `free` is held while the handler runs, and `turn` waited for before what it returned is written. Raises
        `Interrupted`, `Stopped` and `Halted`, all before the event is handled.
        """
        attempt = 0
        while True:
            try:
                if free is None:
                    outputs = await self._called(event)
                else:
                    async with free:
                        outputs = await self._called(event)
                if not outputs:
                    break
                if turn is not None:
                    await turn()
                await self._publish(event, outputs)
                self._observed.succeeded()
                return True
            except (Halted, Interrupted, CheckpointMoved):
                raise
            except Exception as error:
                attempt += 1
                if not await self._goes_on(event, error, attempt):
                    break
        if attempt:
            self._observed.succeeded()
        return False

    async def _called(self, event: RecordedEvent) -> tuple[To, ...]:
        """Call the handler with what the event is to it: mostly one thing."""
        items = (event,) if self._decode is None else self._decode(event)
        outputs: tuple[To, ...] = ()
        last = len(items) - 1
        for number, item in enumerate(items):
            mark = self._keeping.mark(event) if self._saves and number == last else None
            result = await self._dispatch(item, mark)
            if mark is not None:
                self._keeping.saved(mark)
            if result is not None:
                outputs += returned(result)
        return outputs

    async def _publish(self, event: RecordedEvent, outputs: tuple[To, ...]) -> None:
        try:
            await self._keeping.publish(event, outputs)
        except EsdbError as error:
            if error.outcome is Outcome.ANSWERED:
                raise
            raise Interrupted(shown(error)) from error

    async def _goes_on(self, event: RecordedEvent, error: Exception, attempt: int) -> bool:
        """Wait and return true if the event is to be handled again, and false if it is skipped."""
        self._observed.failed(error, attempt)
        decision = await self._decide(event, error, attempt)
        logger.warning(
            "consumer %r: event %s of %r could not be handled (attempt %s, now %r): %s",
            self._name,
            event.revision,
            shown(event.stream),
            attempt,
            decision,
            _told(error),
            exc_info=error if attempt == 1 else None,
        )
        match decision:
            case Retry():
                await self._pause(decision.pause(attempt))
                return True
            case Skip():
                return False
        raise Stopped from error

    async def _pause(self, seconds: float) -> None:
        """Wait before the event is handled again. Raises `Halted` if it is not to be."""
        try:
            async with asyncio.timeout(seconds):
                await self._halted.wait()
        except TimeoutError:
            return
        raise Halted

    async def _decide(self, event: RecordedEvent, error: Exception, attempt: int) -> Decision:
        """Ask the policy; while there is no connection, that is the cause, and no policy is asked."""
        if isinstance(error, EsdbError) and not self._connection.is_connected:
            return Retry()
        try:
            decision = self._on_error(event, error, attempt)
            return await decision if inspect.isawaitable(decision) else decision
        except Exception:
            logger.exception("on_error of consumer %r failed; the event is handled again", self._name)
            return Retry()


def _told(error: Exception) -> str:
    """Return an error as the log may have it: what the app raises may show data of the event."""
    return f"{type(error).__name__}: {shown(error)}" if isinstance(error, EsdbError) else type(error).__name__
