"""Hearing of the signals that a server is asked to stop by, in front of its own handlers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from types import FrameType

import pytest

from fastapi_esdb.plugin.signals import before_the_server
from tests.support.waiting import PATIENCE


class Server:
    """What hears the signals that a process gets, as a server does."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    def handle(self, number: int, _: FrameType | None) -> None:
        self.heard.append(number)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    before = {number: signal.signal(number, server.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    yield server
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_both_are_told(server: Server, number: signal.Signals) -> None:
    """The server hears its signal, and so does the one in front of it, on the event loop."""
    told = asyncio.Event()
    with before_the_server(told.set):
        signal.raise_signal(number)
        await asyncio.wait_for(told.wait(), PATIENCE)
    assert server.heard == [number]


async def test_the_handlers_are_the_servers_again_afterwards(server: Server) -> None:
    """Several may listen, and leave in any order; the last one puts everything back."""
    told: list[int] = []
    first, second = ExitStack(), ExitStack()
    first.enter_context(before_the_server(lambda: told.append(1)))
    second.enter_context(before_the_server(lambda: told.append(2)))
    signal.raise_signal(signal.SIGTERM)
    first.close()
    signal.raise_signal(signal.SIGTERM)
    second.close()
    await asyncio.sleep(0)
    assert told == [1, 2, 2]
    assert server.heard == [signal.SIGTERM] * 2
    assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGINT) == server.handle


async def test_a_handler_that_came_later_stays(server: Server) -> None:
    """Somebody may have put another one in front in the meantime."""
    other = Server()
    with before_the_server(lambda: None):
        signal.signal(signal.SIGTERM, other.handle)
    assert signal.getsignal(signal.SIGTERM) == other.handle


async def test_in_other_threads_nothing_happens(server: Server) -> None:
    """Servers that run there hear no signals either, and Python lets nobody install handlers there."""

    async def listen() -> None:
        with before_the_server(lambda: None):
            assert signal.getsignal(signal.SIGTERM) == server.handle

    await asyncio.to_thread(asyncio.run, listen())


async def test_where_no_server_listens_a_signal_ends_the_process() -> None:
    """The default stays the default."""
    before = signal.getsignal(signal.SIGTERM)
    with before_the_server(lambda: None):
        assert signal.getsignal(signal.SIGTERM) is before
