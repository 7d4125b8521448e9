"""The outcomes of a handler: events to append, or what to do after an error."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from fastapi_esdb.api import arguments
from fastapi_esdb.api.proposing import Appendable, proposed
from fastapi_esdb.connection.deadline import seconds
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY, Expected

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
"""Seconds before an event is handled again, doubled with each attempt."""

JITTER = 0.2
"""The share that a pause is shorter or longer by chance, so that several consumers don't come back at once."""


@dataclass(frozen=True, slots=True)
class To:
    """Events for a stream, returned by a handler: they are appended together with the consumer's checkpoint."""

    stream: str
    events: tuple[ProposedEvent, ...]
    expected: Expected = ANY


def to(stream: str, *events: Appendable | Iterable[Appendable], expected: Expected = ANY) -> To:
    """Return events for a stream, for a handler to return.

        return to(f"invoice-{order.id}", InvoiceSent(...))

    Several may stand one after the other, or in a list. They are appended exactly once for each event that is handled,
    in one transaction with the checkpoint. A handler returns one of these or a list of them. `expected` says where the
    stream must be, as in `append`; where it is elsewhere, nothing is written and the handler has failed with
    `ConsistencyViolation`. Raises `InvalidArgument`.
    """
    found = tuple(event for given in events for event in proposed(given))
    if not found:
        raise InvalidArgument(f"to({stream!r}) must have at least one event")
    return To(arguments.stream_name(stream), found, arguments.expected_revision(expected))


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
class Skip:
    """Regard the event as handled."""


@dataclass(frozen=True, slots=True)
class Park:
    """Put the event aside, with the error, among the consumer's dead letters, and go on with the next one.

    From there it can be handled again: see `DeadLetters`.
    """


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the consumer before the event, until it is told to `resume`."""


Final = Skip | Park | Stop


@dataclass(frozen=True, slots=True)
class Retry:
    """Handle the event again after `backoff` seconds, and twice as many after each further attempt, up to `longest`.

    `longest` is half a minute, or `backoff` if that is more. After so many `attempts` in all, `then` is done instead,
    one of the other outcomes or its class; without a number that is never. Meanwhile the events behind it wait, as far
    as they are ordered after it. Raises `InvalidArgument`.
    """

    backoff: float = FIRST_PAUSE
    longest: float | None = None
    attempts: int | None = None
    then: Final | type[Final] = Park()

    def __post_init__(self) -> None:
        seconds(self.backoff, "backoff")
        if self.longest is not None and seconds(self.longest, "longest") < self.backoff:
            raise InvalidArgument(f"longest must not be less than backoff, which is {self.backoff:g} s")
        if self.attempts is not None:
            arguments.whole_number(self.attempts, "attempts", least=1, most=1_000_000)
        if not isinstance(_made(self.then), Final):
            raise InvalidArgument(f"then must be Park, Skip or Stop, not {quoted(self.then)}")

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after attempt 1, 2, …."""
        longest = max(self.backoff, LONGEST_PAUSE) if self.longest is None else self.longest
        pause = min(self.backoff * 2.0 ** min(attempt - 1, 20), longest)
        return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  no secret

    def after(self, attempt: int) -> Decision:
        """Return what is done after attempt 1, 2, …: this, until there were enough of them."""
        return self if self.attempts is None or attempt < self.attempts else decided(self.then)


Decision = Retry | Skip | Park | Stop
Rule = Decision | type[Retry] | type[Skip] | type[Park] | type[Stop]
"""A decision, or the class of one that needs nothing else said."""

OnError = Callable[[RecordedEvent, Exception, int], Rule | Awaitable[Rule]]
"""Decides what becomes of an event that can't be handled: it gets the event, the error, and the number of attempts."""

Policy = OnError | Mapping[type[Exception], Rule] | Rule
"""A function that decides, a table of what is done after which errors, or what is done after each."""


def retry_for_ever(_event: RecordedEvent, _error: Exception, _attempt: int) -> Decision:
    """Return what is done unless something else is said: nothing is lost, and everything stays in order."""
    return Retry()


def policy(given: Policy | None) -> OnError:
    """Return what decides. Of a table, the entry of the error's nearest class counts. Raises `InvalidArgument`."""
    if given is None:
        return retry_for_ever
    if isinstance(_made(given), Decision):
        always = decided(given)
        return lambda *_: always
    if not isinstance(given, Mapping):
        if not callable(given):
            raise InvalidArgument(
                "on_error must be a table such as {ValueError: Park, SmtpDown: Retry(backoff=30)}, one of these for "
                f"all errors, or a function of the event, the error and the attempts, not {type(given).__name__}"
            )
        return given
    rules = {kind: _decision(kind, rule) for kind, rule in given.items()}

    def decide(_event: RecordedEvent, error: Exception, _attempt: int) -> Decision:
        return next((rules[kind] for kind in type(error).__mro__ if kind in rules), Retry())

    return decide


def _decision(kind: object, rule: object) -> Decision:
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise InvalidArgument(f"on_error: {quoted(kind)} is no class of exceptions")
    if not isinstance(_made(rule), Decision):
        raise InvalidArgument(f"on_error: for {kind.__name__} say Retry(…), Skip, Park or Stop, not {quoted(rule)}")
    return decided(rule)


def decided(rule: object) -> Decision:
    """Return the decision that a rule stands for. Raises `InvalidArgument` for what is none."""
    made = _made(rule)
    if isinstance(made, Decision):
        return made
    raise InvalidArgument(f"on_error must return Retry(…), Skip, Park or Stop, not {quoted(rule)}")


def _made(rule: object) -> object:
    """Return an object of a class that needs nothing else said."""
    return rule() if isinstance(rule, type) and issubclass(rule, Decision) else rule


class Halted(Exception):
    """The consumer ends, or was told something else, before the event at hand could be handled."""


class Stopped(Exception):
    """The error policy says that the consumer stops before the event at hand."""


class HandlerCancelled(Exception):
    """The handler has raised a `CancelledError` of its own, of a task that it has awaited for example."""
