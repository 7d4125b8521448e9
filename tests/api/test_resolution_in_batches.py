"""Appends that left in a batch which was lost, behind others for their stream."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS, CallOptions
from fastapi_esdb.wire.errors import ConnectionLost, WrongExpectedRevision
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult
from tests.api.fakes import FakeCarrier, recorded

AHEAD, OWN = NewEvent("Ahead", {}), NewEvent("Own", {})
DONE = AppendResult(5, Position(500, 500))


class BatchCarrier(FakeCarrier):
    """The first append has left in a batch, behind another one."""

    async def append(self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS) -> Any:
        if not self.requests:
            request.ahead = (AHEAD,)
        return await super().append(request, options)


async def sent(carrier: FakeCarrier) -> list[list[UUID]]:
    """Append; the ids in each request that has events."""
    assert await Streams(carrier).append("s", OWN, ANY, timeout=5) == DONE
    appends = (request for request in carrier.requests if isinstance(request, AppendRequest))
    return [[event.id for event in request.events] for request in appends if request.events]


async def test_what_left_ahead_is_sent_again_with_it() -> None:
    """Whether anybody waits for that or not: the batch may still arrive, and is known by its first event."""
    carrier = BatchCarrier([[recorded(0)]], [ConnectionLost(), DONE])
    assert await sent(carrier) == [[OWN.id], [AHEAD.id, OWN.id]]


async def test_what_left_ahead_and_is_there_is_not_sent_again() -> None:
    """The server would take it for another one."""
    carrier = BatchCarrier([[recorded(1, id=AHEAD.id), recorded(0)]], [ConnectionLost(), DONE])
    assert await sent(carrier) == [[OWN.id], [OWN.id]]


async def test_what_left_ahead_and_comes_in_between_is_not_sent_again() -> None:
    """Also where an append without an expectation is refused for it."""
    pages = [[recorded(0)], *([recorded(end), recorded(end - 1)] for end in range(1, 5))]
    conflicts = [WrongExpectedRevision("s", end, end + 1) for end in range(3)]
    carrier = BatchCarrier(
        [*pages, [recorded(5, id=AHEAD.id), recorded(4)], [recorded(6), recorded(5)]],
        [ConnectionLost(), *conflicts, DONE, WrongExpectedRevision("s", ANY, 4), DONE, DONE],
    )
    assert await sent(carrier) == [[OWN.id], *[[AHEAD.id, OWN.id]] * 4, [OWN.id]]
