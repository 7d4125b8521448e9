"""Handling one event: its handler is called until it has succeeded, or it is decided what else becomes of the event."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi_esdb.consumers.checkpoints import CheckpointMoved, Dispatch
from fastapi_esdb.consumers.dead_letters import letter_about
from fastapi_esdb.consumers.ledger import Interrupted
from fastapi_esdb.consumers.outcomes import (
    Decision,
    Halted,
    HandlerCancelled,
    Park,
    Retry,
    Skip,
    Stop,
    Stopped,
    To,
    decided,
    returned,
)
from fastapi_esdb.errors import EsdbError
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import Outcome
from fastapi_esdb.wire.errors.unreadable import shown

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.consumers.definition import Definition
    from fastapi_esdb.consumers.keeping import Keeping
    from fastapi_esdb.consumers.status import Observed
    from fastapi_esdb.telemetry.instrumentation import Attempt
    from fastapi_esdb.wire.events.values import RecordedEvent


Turn = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Failures:
    """The failed attempts to handle an event; those without a connection are counted apart."""

    attempts: int = 0
    cut_off: int = 0

    def __bool__(self) -> bool:
        return bool(self.attempts or self.cut_off)


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
        self._ordered_by = definition.ordered_by if callable(definition.ordered_by) else None
        self._on_error = definition.on_error
        self._saves = definition.store is not None
        self._dispatch = dispatch
        self._keeping = keeping
        self._observed = observed
        self._connection = connection
        self._instrumentation = connection.pool.instrumentation
        self._halted = halted

    async def handle(
        self, event: RecordedEvent, turn: Turn | None = None, free: asyncio.Semaphore | None = None
    ) -> bool:
        """Return when the event is handled or skipped, and whether its checkpoint was written with what it returned.

        `free` is held while the handler runs, and `turn` waited for before what it returned is written. Raises
        `Interrupted`, `Stopped` and `Halted`, all before the event is handled.
        """
        failed = _Failures()
        try:
            return await self._handled(event, failed, turn, free)
        finally:
            if failed:
                self._observed.ended_failing()

    async def _handled(
        self, event: RecordedEvent, failed: _Failures, turn: Turn | None, free: asyncio.Semaphore | None
    ) -> bool:
        while True:
            attempt = None if self._instrumentation is None else self._instrumentation.attempt(event, self._name)
            try:
                outputs = await self._outputs(event, free, attempt)
                if not outputs:
                    break
                if turn is not None:
                    await turn()
                publishing = self._publish(event, outputs)
                await (publishing if attempt is None else attempt.around(publishing))
                return True
            except (Halted, Interrupted, CheckpointMoved):
                raise
            except Exception as error:
                decision = await self._after(error, event, failed)
                if isinstance(decision, Park):
                    if turn is not None:
                        await turn()
                    return await self._park(event, error, failed.attempts)
                if isinstance(decision, Skip):
                    break
            finally:
                if attempt is not None:
                    attempt.end()
        return False

    async def _outputs(
        self, event: RecordedEvent, free: asyncio.Semaphore | None, attempt: Attempt | None
    ) -> tuple[To, ...]:
        try:
            if free is None:
                return await self._watched(event, attempt)
            async with free:
                return await self._watched(event, attempt)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise HandlerCancelled from error  # it is not the consumer that ends

    def _watched(self, event: RecordedEvent, attempt: Attempt | None) -> Coroutine[Any, Any, tuple[To, ...]]:
        called = self._called(event)
        return called if attempt is None else attempt.around(called)

    async def _called(self, event: RecordedEvent) -> tuple[To, ...]:
        """Call the handler with what the event is to it: mostly one thing."""
        items = (event,) if self._decode is None else self._decode(event)
        if self._ordered_by is not None and items:
            hash(self._ordered_by(items[0]))  # an event whose place in the order nobody knows is not handled
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
        with _interrupting():
            await self._keeping.publish(event, outputs)

    async def _park(self, event: RecordedEvent, error: Exception, attempts: int) -> bool:
        """Put the event among the dead letters, and return whether its checkpoint was written with that."""
        with _interrupting():
            is_saved = await self._keeping.park(event, letter_about(event, error, attempts))
        self._observed.parked += 1
        stream = shown(event.stream)
        log.info(
            "event_parked",
            f"consumer {self._name!r}: event {event.revision} of {stream!r} is a dead letter now",
            consumer=self._name,
            stream=stream,
            revision=event.revision,
            error=type(error).__name__,
        )
        return is_saved

    async def _after(self, error: Exception, event: RecordedEvent, failed: _Failures) -> Decision:
        """Return what becomes of an event that could not be handled; raise `Stopped` if nothing does for now.

        If it is to be handled again, that is after it was time for it. No policy is asked about a missing connection.
        """
        self._observed.began_failing(again=bool(failed))
        if isinstance(error, EsdbError) and not self._connection.is_connected:
            failed.cut_off += 1
            self._observed.failed(error, failed.attempts)
            await self._pause(Retry().pause(failed.cut_off))
            return Retry()
        failed.attempts += 1
        self._observed.failed(error, failed.attempts)
        decision = await self._decide(event, error, failed.attempts)
        self._log(event, error, failed.attempts, decision)
        if isinstance(decision, Retry):
            await self._pause(decision.pause(failed.attempts))
        if isinstance(decision, Stop):
            raise Stopped from error
        return decision

    def _log(self, event: RecordedEvent, error: Exception, attempt: int, decision: Decision) -> None:
        stream, told = shown(event.stream), _told(error)
        log.warning(
            "event_failed",
            f"consumer {self._name!r}: event {event.revision} of {stream!r} could not be handled "
            f"(attempt {attempt}, now {decision!r}): {told}",
            trace=error if attempt == 1 else None,
            consumer=self._name,
            stream=stream,
            revision=event.revision,
            attempt=attempt,
            decision=repr(decision),
            error=type(error).__name__,
        )

    async def _pause(self, seconds: float) -> None:
        """Wait before the event is handled again. Raises `Halted` if it is not to be."""
        try:
            async with asyncio.timeout(seconds):
                await self._halted.wait()
        except TimeoutError:
            return
        raise Halted

    async def _decide(self, event: RecordedEvent, error: Exception, attempt: int) -> Decision:
        """Ask the policy."""
        try:
            given = self._on_error(event, error, attempt)
            decision = decided(await given if inspect.isawaitable(given) else given)
            return decision.after(attempt) if isinstance(decision, Retry) else decision
        except Exception:
            text = f"on_error of consumer {self._name!r} failed; the event is handled again"
            log.exception("policy_failed", text, consumer=self._name)
            return Retry()


def _told(error: Exception) -> str:
    """Return an error as the log may have it: what the app raises may show data of the event."""
    return f"{type(error).__name__}: {shown(error)}" if isinstance(error, EsdbError) else type(error).__name__


@contextmanager
def _interrupting() -> Iterator[None]:
    """Have the consumer begin again from what is stored, where it is not known whether something was written."""
    try:
        yield
    except EsdbError as error:
        if error.outcome is Outcome.ANSWERED:
            raise
        raise Interrupted(shown(error)) from error
