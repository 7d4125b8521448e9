"""A server that carries calls out and does not answer them as it should."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from fastapi_esdb.embedded import EmbeddedServer, Fault
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.wire.errors import EsdbError


def lose_answers(server: EmbeddedServer, method: str, error: EsdbError | None = None, times: int = 1) -> Fault:
    """Lose so many answers of a method, once the calls were carried out, silently or with an error in their place."""
    return server.lose_next_answer(f"*.{method}", times=times, error=error, silently=error is None)


class HeldUp:
    """Holds up calls that stream history, each after its second page, until the client leaves it.

    `which` are the calls that this happens to; they are counted from 1 and `calls` is their number so far.
    """

    def __init__(self, patch: pytest.MonkeyPatch, which: Iterable[int]) -> None:
        self.calls = 0
        self._which = set(which)
        self._pages = 0
        self._present: Call[Any, Any] | None = None
        send_all = Call.send_all

        async def send(call: Call[Any, Any], responses: Iterable[Any]) -> None:
            self._count(call)
            await send_all(call, responses)
            if self._pages == 2 and self.calls in self._which:
                await asyncio.Event().wait()

        patch.setattr(Call, "send_all", send)

    def _count(self, call: Call[Any, Any]) -> None:
        if call is not self._present:
            self._present, self.calls, self._pages = call, self.calls + 1, 0
        self._pages += 1
