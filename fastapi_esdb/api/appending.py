"""One append: sending it, and finding out what has become of it where its answer is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from fastapi_esdb.api.calls import map_unknown_outcome
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS
from fastapi_esdb.connection.deadline import YEAR, Deadline
from fastapi_esdb.errors import AppendClosedInFlight, AppendOutcomeUnknown, ClosedInFlight
from fastapi_esdb.wire.errors import EsdbError, Outcome, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import Expected
from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.api.lookup import Found, LookupRequest
    from fastapi_esdb.api.resolution import ResendableAppend
    from fastapi_esdb.connection.caller import Caller, CallOptions
    from fastapi_esdb.wire.streams_v2.values import StreamsAppended

Result = TypeVar("Result", AppendResult, "StreamsAppended")

LEAVING_TIME = replace(DEFAULT_OPTIONS, leaves_time=True)


class Append(AppendRequest):
    """Events on their way to a stream, all of them or none. A `ResendableAppend`."""

    __slots__ = ()

    @property
    def ids(self) -> tuple[UUID, ...]:
        return tuple(event.id for event in self.events)

    @property
    def ids_ahead(self) -> tuple[UUID, ...]:
        return tuple(event.id for event in self.ahead)

    def found_ahead(self, found: Collection[UUID]) -> None:
        """These of them are there."""
        self.ahead = tuple(event for event in self.ahead if event.id not in found)

    def first(self, caller: Caller, options: CallOptions) -> Awaitable[AppendResult]:
        """Send it for the first time."""
        return caller.append(self, options)

    async def send(self, caller: Caller, expected: Expected, options: CallOptions) -> AppendResult:
        """Send it again, with that expectation. Servers may know the events by now."""
        events = (*self.ahead, *self.events)
        request = replace(self, expected=expected, events=events, is_fresh=False, ahead=())
        return await caller.append(request, options)

    async def result(self, found: Found, lost: LookupRequest) -> AppendResult:  # noqa: ARG002  of use where there are several
        """Return what it answers, now that its events were found."""
        return AppendResult(found.revision, found.position)

    def is_conflict(self, error: EsdbError) -> bool:
        """Return whether the server refused it for what was expected of the stream."""
        return isinstance(error, WrongExpectedRevision)

    def concerns(self, error: EsdbError) -> bool:  # noqa: ARG002  of use where there are several
        """Return whether such a refusal is about its stream, which it always is: there is no other one."""
        return True

    def unknown(self, cause: EsdbError, found: str = "") -> AppendOutcomeUnknown:
        """Return the error that says that the outcome is unknown, with the ids to look for."""
        return unknown(cause, self.stream, self.expected, self.ids, found)


async def send_append(
    carrier: Carrier, job: ResendableAppend[Result], options: CallOptions, retry_unknown: bool | None
) -> Result:
    """Make an append, and resolve its outcome where the answer is lost, unless `retry_unknown` forbids it.

    `None` takes what the settings say. An outcome that stays unknown is raised as `AppendOutcomeUnknown`.
    """
    seen = carrier.seen
    if not (carrier.retry_unknown if retry_unknown is None else retry_unknown):
        since = seen.position
        with map_unknown_outcome(job.unknown):
            result = await job.first(carrier, options)
        seen.note_written(result.position, since)
        return result
    began, given = monotonic(), options
    if carrier.stream_locks:
        options = await _wait_for_others(carrier, job, options)
    since = seen.position
    leaving = LEAVING_TIME if options is DEFAULT_OPTIONS else replace(options, leaves_time=True)
    try:
        result = await job.first(carrier, leaving)
    except EsdbError as error:
        if error.outcome is not Outcome.UNKNOWN:
            raise
        lost = error
    else:
        seen.note_written(result.position, since)
        return result
    from fastapi_esdb.api.resolution import Resolution  # noqa: PLC0415  for what nearly never happens

    deadline = Deadline(began + min(_seconds(carrier, given), YEAR))
    result = await Resolution(carrier, job, options, deadline=deadline, since=since, lost=lost).result()
    seen.note_written(result.position, since)
    return result


async def _wait_for_others(carrier: Carrier, job: ResendableAppend[Result], options: CallOptions) -> CallOptions:
    """Wait for appends to the stream that resolve their outcomes; return the options with the time that is left."""
    began, timeout = monotonic(), _seconds(carrier, options)
    if not await carrier.stream_locks.wait_for_others(job.stream, timeout / 4):
        return options
    return replace(options, timeout=max(0.0, timeout - (monotonic() - began)))


def _seconds(carrier: Carrier, options: CallOptions) -> float:
    return carrier.deadline if options.timeout is None else options.timeout


def unknown(
    cause: EsdbError, stream: str, expected: Expected, ids: Sequence[UUID], found: str = ""
) -> AppendOutcomeUnknown:
    """Return the error that says that whether an append happened is not known."""
    kind = AppendClosedInFlight if isinstance(cause, ClosedInFlight) else AppendOutcomeUnknown
    return kind(stream, expected, ids, found)


def mark_sent(events: Sequence[ProposedEvent]) -> bool:
    """Note that the events are being sent, and return whether no server can know any of them."""
    is_fresh = True
    for event in events:
        is_fresh &= event.mark_sent()
    return is_fresh
