"""How a subscription with much history comes to the present, against scripted calls."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from fastapi_esdb.api.subscribing import MUCH
from fastapi_esdb.api.subscriptions import Subscriptions
from fastapi_esdb.errors import ClosedInFlight
from fastapi_esdb.wire.errors import ConnectionLost, EsdbError, StreamDeleted
from fastapi_esdb.wire.positions import START
from fastapi_esdb.wire.streams.values import CaughtUp, SubscriptionConfirmed
from tests.api.fakes import FakeCarrier, recorded

CONFIRMED = SubscriptionConfirmed("id")
CLOSED = ClosedInFlight()
E = [recorded(number) for number in range(500)]
FIRST = MUCH - 1
"""The events of the first call, beside its confirmation."""


class Pause(asyncio.Event):
    """So many seconds in which nothing comes, from when something is waited for."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def wait(self) -> Literal[True]:
        await asyncio.sleep(self._seconds)
        return True


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds without a frame that stand for being live."""
    monkeypatch.setattr("fastapi_esdb.api.subscribing.QUIET", 0.2)
    return 0.2


async def told(carrier: FakeCarrier) -> list[Any]:
    """The messages of a subscription, the last one the error that ends it."""
    found: list[Any] = []
    try:
        async for message in Subscriptions(carrier).subscribe("s").messages():
            found.append(message)  # noqa: PERF401  what came before the error is wanted too
    except EsdbError as error:
        return [*found, error.__cause__ or error]
    raise AssertionError("a subscription ends with an error only")


async def test_the_rest_is_read_by_a_bulk_call() -> None:
    """From where the first call had come to; then one like the first goes on, which says that it is live."""
    calls = [
        [CONFIRMED, *E[:FIRST], LookupError("nothing more is taken of this call")],
        [CONFIRMED, *E[FIRST:300], CaughtUp(), LookupError("nor of this one")],
        [CONFIRMED, *E[300:302], CaughtUp(), E[302], CLOSED],
    ]
    carrier = FakeCarrier(calls)
    assert await told(carrier) == [*E[:302], CaughtUp(), E[302], CLOSED]
    assert carrier.bulk == [False, True, False]
    assert [request.start for request in carrier.requests] == [START, FIRST - 1, 299]
    assert (carrier.long_lived, carrier.open_calls, carrier.waits) == (3, 0, [])


async def test_little_history_takes_one_call() -> None:
    """And live events are no history, however many there are."""
    few = FIRST - 1
    carrier = FakeCarrier([[CONFIRMED, *E[:few], CaughtUp(), *E[few:], CLOSED]])
    assert await told(carrier) == [*E[:few], CaughtUp(), *E[few:], CLOSED]
    assert carrier.bulk == [False]


async def test_a_bulk_call_that_is_quiet_may_have_come_to_the_end(quiet: float) -> None:
    """Old servers do not say that they have. That is looked at, since what follows is live: it comes with pauses."""
    middle, pause = MUCH + 50, Pause(3 * quiet)
    calls = [
        [CONFIRMED, *E[:FIRST]],
        [CONFIRMED, E[FIRST], asyncio.Event()],
        [CONFIRMED, *E[MUCH:middle], pause, *E[middle : middle + FIRST], CLOSED],
    ]
    carrier = FakeCarrier(calls)
    assert await told(carrier) == [*E[: middle + FIRST], CLOSED]
    assert carrier.bulk == [False, True, False]


async def test_a_bulk_call_that_was_held_up(quiet: float) -> None:
    """As soon as much has come again without a pause the next bulk call gets the rest."""
    middle = MUCH + FIRST
    calls = [
        [CONFIRMED, *E[:FIRST]],
        [CONFIRMED, E[FIRST], asyncio.Event()],
        [CONFIRMED, *E[MUCH:middle]],
        [CONFIRMED, *E[middle:], CaughtUp()],
        [CONFIRMED, CaughtUp(), CLOSED],
    ]
    carrier = FakeCarrier(calls)
    assert await told(carrier) == [*E, CaughtUp(), CLOSED]
    assert carrier.bulk == [False, True, False, True, False]
    assert [request.start for request in carrier.requests] == [START, FIRST - 1, FIRST, middle - 1, len(E) - 1]


async def test_a_bulk_call_that_is_lost() -> None:
    """How much there is to read is found out anew, after the last event."""
    middle = 150
    calls = [
        [CONFIRMED, *E[:FIRST]],
        [CONFIRMED, *E[FIRST:middle], ConnectionLost()],
        [CONFIRMED, *E[middle : middle + FIRST]],
        [CONFIRMED, *E[middle + FIRST :], CaughtUp()],
        [CONFIRMED, CaughtUp(), CLOSED],
    ]
    carrier = FakeCarrier(calls)
    assert await told(carrier) == [*E, CaughtUp(), CLOSED]
    assert carrier.bulk == [False, True, False, True, False]


@pytest.mark.parametrize("end", [[], [StreamDeleted("s")]])
async def test_the_end_of_a_bulk_call_is_an_end_like_any_other(end: list[Any]) -> None:
    """With the server's reason, or without one."""
    carrier = FakeCarrier([[CONFIRMED, *E[:FIRST]], [CONFIRMED, E[FIRST], *end], [CONFIRMED, CLOSED]])
    assert await told(carrier) == [*E[:MUCH], *(end or [CLOSED])]
    assert carrier.bulk == ([False, True] if end else [False, True, False])


async def test_without_room_for_it_the_second_call_stays() -> None:
    """It can as well be the one that is live."""

    class Full(FakeCarrier):
        """Makes every call in the usual way."""

        def stream(self, *args: Any, **options: Any) -> Any:
            return super().stream(*args, **(options | {"bulk": False}))

    carrier = Full([[CONFIRMED, *E[:FIRST]], [CONFIRMED, *E[FIRST:], CaughtUp(), CLOSED]])
    assert await told(carrier) == [*E, CaughtUp(), CLOSED]
