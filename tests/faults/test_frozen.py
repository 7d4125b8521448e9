"""A server that is frozen for ten seconds: its kernel still accepts and acknowledges, and nobody answers."""

from __future__ import annotations

import threading
from collections.abc import Awaitable
from dataclasses import dataclass
from time import monotonic

import httpx2
import pytest

from fastapi_esdb import (
    AppendOutcomeUnknown,
    Connection,
    DeadlineExceeded,
    EsdbError,
    NewEvent,
)
from fastapi_esdb.wire.errors import ConnectionLost

FROZEN = 10.0
"""Seconds."""
KEEP_ALIVE = "&keepAliveInterval=1000&keepAliveTimeout=1000"
NOTICED = 4.0
"""Seconds in which the loss is noticed: one without traffic, one for the ping, the rest for a busy machine."""
RECOVERED = 2.0
"""Seconds after the thaw until calls are answered; more on a busy machine is still no hang."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One round of an app's health routes."""

    seconds: float
    live: int
    ready: int


def probe(app: httpx2.Client, done: threading.Event) -> list[Answer]:
    """Ask an app for its health again and again."""
    answers = []
    while not done.wait(0.05):
        began = monotonic()
        live = app.get("/health/esdb/live").status_code
        ready = app.get("/health/esdb/ready").status_code
        answers.append(Answer((monotonic() - began) / 2, live, ready))
    return answers


async def failure_of(call: Awaitable[object]) -> tuple[EsdbError, float]:
    """What a call failed with, and after how many seconds."""
    began = monotonic()
    with pytest.raises(EsdbError) as caught:
        await call
    return caught.value, monotonic() - began


async def calls_end_at_their_deadline(esdb: Connection, event: NewEvent) -> None:
    """Neither before it nor much later, and a write says that its outcome is open."""
    for call in (esdb.ping(0.7), esdb.append("doubtful", event, timeout=0.7)):
        error, seconds = await failure_of(call)
        assert isinstance(error, DeadlineExceeded) or isinstance(error.__cause__, DeadlineExceeded)
        assert 0.65 <= seconds <= 1.5


async def an_append_ends_in_time(esdb: Connection, event: NewEvent) -> None:
    """Long before its deadline, since the connection is given up."""
    error, seconds = await failure_of(esdb.append("doubtful", event))
    assert isinstance(error, AppendOutcomeUnknown)
    assert isinstance(error.__cause__, ConnectionLost)
    assert seconds < NOTICED


async def a_read_ends_in_time(esdb: Connection) -> None:
    """Also in the midst of its events, when it can't be begun again."""
    async with esdb.read("long") as events:
        await anext(events)
        error, seconds = await failure_of(anext(events) for _ in [0]) if False else await failure_of(_all(events))
    assert isinstance(error, ConnectionLost)
    assert seconds < NOTICED
