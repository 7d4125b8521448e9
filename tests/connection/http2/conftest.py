"""Both event loops, and a server that speaks frames."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from tests.connection.http2.frame_server import FrameServer


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Each test with an event loop runs on asyncio's own and on uvloop's."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def server() -> AsyncIterator[FrameServer]:
    """A server without an idea yet of what to answer."""
    async with FrameServer() as running:
        yield running
