"""A server that carries calls out and does not answer them as it should."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.method import Shape


class LostAnswers:
    """Loses the answers of a method, once the call was carried out.

    Without `error` the client hears nothing; with one that comes in the answer's place. `times` answers are lost,
    then all is well; `lost` counts them.
    """

    def __init__(self, patch: pytest.MonkeyPatch, method: str, error: EsdbError | None = None, times: int = 1) -> None:
        self.lost = 0
        send = Call.send

        async def lose(call: Call[Any, Any], response: Any) -> None:
            if call.method.name != method or self.lost >= times:
                await send(call, response)
                return
            self.lost += 1
            if error:
                raise error
            if call.method.shape is not Shape.DUPLEX:  # the other appends in it go on
                await asyncio.Event().wait()

        patch.setattr(Call, "send", lose)


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
