"""Calls that all go over one connection, and nowhere else when that is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi_esdb.errors import ConnectionClosed

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.choices import NodePreference


class OneChannel:
    """A `LeaseSource` of one channel, for as long as its TCP connection is the one that it has now.

    gRPC would make another one by itself, perhaps to a server that was started again meanwhile.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._broken = channel.run(channel.until_not_ready(), "esdb-one-connection")

    def close(self) -> None:
        """Watch it no longer."""
        self._broken.cancel()

    async def __call__(
        self,
        preference: NodePreference,  # noqa: ARG002  the interface's
        deadline: Deadline,  # noqa: ARG002
        *,
        long_lived: bool,
        avoid: Channel | None,  # noqa: ARG002
    ) -> Lease:
        """A place on it. Raises `ConnectionClosed` when it takes no calls any more."""
        await asyncio.sleep(0)  # what has happened to the connection is noticed by now
        if self._broken.done() or not self._channel.takes_calls:
            raise ConnectionClosed
        return self._channel.lease(long_lived=long_lived)
