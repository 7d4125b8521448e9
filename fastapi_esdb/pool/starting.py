"""Whether a node that refuses credentials is starting: it refuses the right ones, too, until it has its users."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi_esdb.connection.gossip import says_not_ready
from fastapi_esdb.wire.errors import EsdbError, NotAuthenticated

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.connection.deadline import Deadline


class Starting:
    """Asks the node itself, once for all calls that it refuses at a time."""

    def __init__(self) -> None:
        self._asking: dict[Channel, asyncio.Task[bool]] = {}

    async def explains(self, error: EsdbError, channel: Channel | None, deadline: Deadline) -> bool:
        """Whether the call has ended with a refusal that says nothing, since the node is not ready yet."""
        if not isinstance(error, NotAuthenticated) or channel is None:
            return False
        asking = self._asking.get(channel) or self._ask(channel)
        await asyncio.wait([asking], timeout=deadline.left())
        return asking.done() and not asking.cancelled() and asking.result()

    def _ask(self, channel: Channel) -> asyncio.Task[bool]:
        self._asking[channel] = asking = channel.run(says_not_ready(channel), "esdb-starting")
        asking.add_done_callback(lambda _: self._asking.pop(channel))
        return asking
