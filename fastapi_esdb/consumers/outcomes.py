"""The outcomes of a handler: events to append, or what to do after an error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from fastapi_esdb.api import arguments
from fastapi_esdb.api.proposing import Appendable, proposed
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY, Expected

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
"""Seconds before an event is handled again, doubled with each attempt."""


@dataclass(frozen=True, slots=True)
class To:
    """Events for a stream, returned by a handler: they are appended together with the consumer's checkpoint."""

    stream: str
    events: tuple[ProposedEvent, ...]
    expected: Expected = ANY


def to(stream: str, *events: Appendable, expected: Expected = ANY) -> To:
    """Return events for a stream, for a handler to return.

        return to(f"invoice-{order.id}", InvoiceSent(...))

    They are appended exactly once for each event that is handled, in one transaction with the checkpoint. A handler
    returns one of these or a list of them. `expected` says where the stream must be, as in `append`; where it is
    elsewhere, nothing is written and the handler has failed with `ConsistencyViolation`. Raises `InvalidArgument`.
    """
    if not events:
        raise InvalidArgument(f"to({stream!r}) must have at least one event")
    return To(arguments.stream_name(stream), proposed(events), arguments.expected_revision(expected))


def returned(result: object) -> tuple[To, ...]:
    """Return what a handler has returned as events to append. Raises `InvalidArgument` for anything else."""
    if result is None:
        return ()
    if isinstance(result, To):
        return (result,)
    if isinstance(result, Iterable) and not isinstance(result, str | bytes):
        found = tuple(result)
        if all(isinstance(each, To) for each in found):
            return found
    raise InvalidArgument(
        f"a handler must return None, to(…) or a list of these, not {type(result).__name__}: "
        'to("invoice-1", InvoiceSent(…)) has an event appended'
    )


@dataclass(frozen=True, slots=True)
class Retry:
    """Handle the event again, after so many seconds; without a number, after a pause that doubles up to half a minute.

    Meanwhile the events behind it wait, as far as they are ordered after it.
    """

    after: float | None = None

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after attempt 1, 2, …."""
        if self.after is not None:
            return self.after
        return min(FIRST_PAUSE * 2.0 ** min(attempt - 1, 20), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Skip:
    """Regard the event as handled."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the consumer before the event, until it is told to `resume`."""


Decision = Retry | Skip | Stop
OnError = Callable[[RecordedEvent, Exception, int], Decision | Awaitable[Decision]]
"""Decides what becomes of an event that can't be handled: it gets the event, the error, and the number of attempts."""


def retry_for_ever(_event: RecordedEvent, _error: Exception, _attempt: int) -> Decision:
    """Return what is done unless something else is said: nothing is lost, and everything stays in order."""
    return Retry()


class Halted(Exception):
    """The consumer ends, or was told something else, before the event at hand could be handled."""


class Stopped(Exception):
    """The error policy says that the consumer stops before the event at hand."""
