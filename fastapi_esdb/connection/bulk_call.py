"""Calls whose many answers come in batches."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi_esdb.connection.reception import Reception
from fastapi_esdb.connection.stream_call import StreamCall
from fastapi_esdb.wire.errors import ConnectionRefused

if TYPE_CHECKING:
    from fastapi_esdb.wire.headers import CallHeaders

Request = TypeVar("Request")
Response = TypeVar("Response")


class BulkCall(StreamCall[Request, Response]):
    """Like every `StreamCall` whose requests do not stream, but received by threads, on a channel of their own."""

    async def _awaited(self, answers: Awaitable[Any], limit: float | None) -> Any:
        try:
            return await super()._awaited(answers, limit)
        except ConnectionRefused:
            self._lease.channel.bulk.give_up()
            raise

    def _begin(self, data: Sequence[bytes], timeout: float | None, headers: CallHeaders) -> Reception[Response]:
        bulk = self._lease.channel.bulk
        return Reception(bulk, bulk.begin(self._method.path, data[0], timeout, headers), self._method)

    def _decoded(self, answer: Any) -> Response:
        """The threads have done that."""
        found: Response = answer
        return found

    def _at_hand(self) -> list[Response]:
        reception: Reception[Response] = self._call
        return reception.rest()
