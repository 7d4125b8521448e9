"""How the answers of a consumer go out."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import pytest

from fastapi_esdb.api import acks as module
from fastapi_esdb.api.acks import MOST_IDS, Acks
from fastapi_esdb.wire.errors import ConnectionLost
from fastapi_esdb.wire.groups.values import Ack, Nack, NackAction
from tests.api.fakes import FakeCarrier, FakeStream


class Line(FakeStream):
    """A call that takes one answer at a time, when it is let."""

    def __init__(self) -> None:
        super().__init__(FakeCarrier())
        self.sent: list[Any] = []
        self.error: ConnectionLost | None = None
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, request: Any) -> None:
        await self.free.wait()
        if self.error:
            raise self.error
        self.sent.append(request)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def answers(line: Line) -> Acks:
    answers = Acks("s::g")
    answers.call = line
    return answers


def ids(count: int) -> tuple[UUID, ...]:
    return tuple(uuid4() for _ in range(count))


async def test_what_comes_while_one_is_on_its_way_goes_out_together(line: Line, answers: Acks) -> None:
    """So that a quick consumer sends few frames."""
    line.free.clear()
    several = ids(5)
    for one in several:
        answers.ack((one,))
        await asyncio.sleep(0)
    line.free.set()
    await answers.arrive()
    assert line.sent == [Ack(several[:1]), Ack(several[1:])]


async def test_no_frame_has_more_ids_than_a_server_takes(line: Line, answers: Acks) -> None:
    """Neither of acks nor of nacks."""
    many = ids(MOST_IDS + 1)
    answers.ack(many)
    answers.nack(many, NackAction.PARK, "no use")
    await answers.arrive()
    assert {type(frame): [len(one.ids) for one in line.sent if type(one) is type(frame)] for frame in line.sent} == {
        Nack: [MOST_IDS, 1],
        Ack: [MOST_IDS, 1],
    }
    assert {(frame.action, frame.reason) for frame in line.sent if isinstance(frame, Nack)} == {
        (NackAction.PARK, "no use")
    }


async def test_none_at_all(line: Line, answers: Acks) -> None:
    """An empty answer is none."""
    answers.ack(())
    answers.nack((), NackAction.PARK, "")
    await answers.arrive()
    assert line.sent == []


async def test_without_a_call_they_are_dropped(line: Line, answers: Acks) -> None:
    """A later call does not get them: there, the events have been delivered anew."""
    answers.call = None
    answers.ack(ids(1))
    await answers.arrive()
    answers.call = line
    later = ids(1)
    answers.ack(later)
    await answers.arrive()
    assert line.sent == [Ack(later)]


async def test_lost_ones_are_noted(line: Line, answers: Acks, caplog: pytest.LogCaptureFixture) -> None:
    """And the next ones go out again."""
    line.error = ConnectionLost()
    with caplog.at_level("INFO", "fastapi_esdb"):
        answers.ack(ids(3))
        await answers.arrive()
    assert "s::g: 3 answers are lost" in caplog.text
    line.error = None
    later = ids(1)
    answers.nack(later, NackAction.RETRY, "")
    await answers.arrive()
    assert line.sent == [Nack(later)]


async def test_the_end_waits_after_the_last_one(answers: Acks) -> None:
    """Long enough for it to arrive, and no longer than that from when it was sent."""
    answers.ack(ids(1))
    began = monotonic()
    await answers.arrive()
    assert monotonic() - began >= module.ARRIVAL - 0.01


async def test_the_end_does_not_wait_where_nothing_was_said(answers: Acks, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing that could arrive."""
    monkeypatch.setattr(module, "ARRIVAL", 3600)
    await asyncio.wait_for(answers.arrive(), 20)


async def test_the_end_does_not_wait_for_a_server_that_does_not_read(
    line: Line, answers: Acks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They had their time."""
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    line.free.clear()
    answers.ack(ids(1))
    await asyncio.wait_for(answers.arrive(), 20)
    assert line.sent == []
    line.free.set()
