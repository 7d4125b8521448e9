"""What a consumer tells the server about its events, on the way."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.groups.values import Ack, Nack, NackAction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from fastapi_esdb.connection.caller import Stream
    from fastapi_esdb.wire.groups.values import GroupReadFrame, GroupReadRequest

    Ids = tuple[UUID, ...]

MOST_IDS = 2_000
"""Ids in one answer: what a server takes in one message with room to spare."""

ARRIVAL = 0.2
"""Seconds between the last answer and the end of the call: servers drop what arrives together with the end."""

PATIENCE = 2.0
"""Seconds that answers have to leave at the end; they can't where the server has stopped reading."""


class Acks:
    """The acks and nacks of one consumer.

    A task of their own sends them while the consumer goes on, many in one frame if they come quickly. That also keeps
    them safe from the cancellation of whoever answers: gRPC would end the whole call in the middle of a write.
    """

    def __init__(self, name: str) -> None:
        self.call: Stream[GroupReadRequest, GroupReadFrame] | None = None
        """Where they go. Without a call they are dropped: the server delivers the events again."""
        self._name = name
        self._handled: list[UUID] = []
        self._refused: deque[Nack] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._sent = -inf

    def ack(self, ids: Ids) -> None:
        """These are handled."""
        self._handled += ids
        self._send_soon()

    def nack(self, ids: Ids, action: NackAction, reason: str) -> None:
        """These could not be handled."""
        self._refused += (Nack(part, action, reason) for part in _parts(ids))
        self._send_soon()

    async def arrive(self) -> None:
        """Give the last ones the time to arrive, before the call ends."""
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=PATIENCE)
        if self.call is not None:
            await asyncio.sleep(self._sent + ARRIVAL - monotonic())

    def _send_soon(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all(), name=f"esdb-acks-{self._name}")

    async def _send_all(self) -> None:
        while answer := self._next():
            await self._send(answer)

    def _next(self) -> Ack | Nack | None:
        if self._refused:
            return self._refused.popleft()
        ids, self._handled = tuple(self._handled[:MOST_IDS]), self._handled[MOST_IDS:]
        return Ack(ids) if ids else None

    async def _send(self, answer: Ack | Nack) -> None:
        try:
            if self.call is None:
                raise ConnectionClosed
            await self.call.send(answer)
            self._sent = monotonic()
        except EsdbError as error:
            log.info(
                "answers_lost",
                f"{self._name}: {len(answer.ids)} answers are lost, the events will come again: {shown(error)}",
                group=self._name,
                answers=len(answer.ids),
                reason=shown(error),
            )


def _parts(ids: Ids) -> Iterator[Ids]:
    return (ids[first : first + MOST_IDS] for first in range(0, len(ids), MOST_IDS))
