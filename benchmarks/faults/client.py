"""What the load asks of a client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol
from uuid import UUID

NOTHING = -1
"""The revision of a stream without events."""


class Client(Protocol):
    """A client with the code that its users write around it. Iterators go on for as long as that code can have them."""

    reopened: int
    """How often that code has opened a subscription again."""

    async def append(self, stream: str, event_id: UUID, revision: int) -> None:
        """Write one event behind the one with this revision."""

    async def revision(self, stream: str) -> int:
        """That of the last event, as the leader has it."""

    def follow(self, stream: str) -> AsyncGenerator[UUID, None]:
        """The ids of the events of a stream, from its beginning on."""

    def follow_all(self, prefix: str) -> AsyncGenerator[UUID, None]:
        """Those of all streams whose names begin so."""

    def consume(self, stream: str, group: str) -> AsyncGenerator[UUID, None]:
        """Those that a group delivers; each is acknowledged when the next one is asked for."""

    def leaves_open(self, error: Exception) -> bool:
        """Whether the error of an append says that the event may have been stored."""
