"""The first page while it is open: its parts are sent again when they have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Self

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic_core import to_json

EVERY = 2.0
"""Seconds between two looks at what has changed."""

Parts = Callable[[], Awaitable[Mapping[str, str]]]
"""Makes the parts of the page anew: HTML by the ids of their elements."""


class Changes:
    """The parts of the page that have changed, as server-sent events: what `EventStream.of` takes."""

    def __init__(self, parts: Parts, every: float = EVERY) -> None:
        self._every = every
        self._parts = parts
        self._sent: Mapping[str, str] = {}
        self._stopped = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send nothing more: the server stops."""
        self._stopped.set()

    async def chunk(self, wait: float) -> bytes:
        """Return the parts that have changed, a comment if there are none for a while; nothing at the end."""
        ends = monotonic() + wait
        while not await self._is_over():
            parts = await self._parts()
            if changed := {name: html for name, html in parts.items() if self._sent.get(name) != html}:
                self._sent = parts
                return format_sse_event(event="parts", data_str=to_json(changed).decode())
            if monotonic() >= ends:
                return KEEPALIVE_COMMENT
        return b""

    async def _is_over(self) -> bool:
        """Wait until it is time to look again, which is at once the first time; whether the server stops."""
        try:
            async with asyncio.timeout(self._every if self._sent else 0):
                return await self._stopped.wait()
        except TimeoutError:
            return False
