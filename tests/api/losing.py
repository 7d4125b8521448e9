"""A server that carries calls out and does not answer them as it should."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.wire.errors import EsdbError


class LostAnswers:
    """Loses the answers of a method, once the call was carried out.

    Without `error` the client hears nothing; with one that comes in the answer's place. `times` answers are lost,
    then all is well; `lost` counts them.
    """

    def __init__(self, patch: pytest.MonkeyPatch, method: str, error: EsdbError | None = None, times: int = 1) -> None:
        self.lost = 0
        self._method = method
        self._error = error
        self._times = times
        self._send = Call.send
        patch.setattr(Call, "send", self._lose)

    async def _lose(self, call: Call[Any, Any], response: Any) -> None:
        if call.method.name != self._method or self.lost >= self._times:
            await self._send(call, response)
            return
        self.lost += 1
        if self._error:
            raise self._error
        await asyncio.Event().wait()
