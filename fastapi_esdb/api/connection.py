"""`Connection`: what `Depends(get_connection)` gives, and `connect()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.api.metadata import Metadata
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.api.subscriptions import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi_esdb.connection.state import ConnectionState
    from fastapi_esdb.pool.pool import ConnectionPool


class Connection(Streams, Subscriptions, Metadata):
    """EventStoreDB: one object for all calls, safe to share between tasks.

    It stands for a pool of connections that come and go by themselves. While there is none, calls raise
    `ConnectionClosed` at once unless the settings let them wait.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(pool)
        self._pool = pool

    def __repr__(self) -> str:
        return f"<Connection {self.state.value}>"

    @property
    def is_connected(self) -> bool:
        """Whether a call could leave now."""
        return self._pool.is_connected

    @property
    def state(self) -> ConnectionState:
        """`closed` (on purpose), `connecting` or `connected`."""
        return self._pool.state

    @property
    def server_version(self) -> str | None:
        """The version that the server gave when it was connected to, `None` before that."""
        return self._pool.server_version

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Return as soon as there is a connection; raises `ConnectionClosed` after `timeout` seconds without one."""
        await self._pool.wait_connected(timeout)

    async def ping(self, timeout: float | None = None) -> None:
        """Return when the server has answered a cheap call; raises what hindered it."""
        await self._pool.ping(timeout)

    async def close(self) -> None:
        """Disconnect and stay so until `connect()`; calls in flight fail with `ConnectionClosed`.

        That goes for all who share the connection.
        """
        await self._pool.close()

    async def connect(self) -> None:
        """Connect again after `close()`, with the settings given at the start."""
        await self._pool.connect()

    async def reconnect(self) -> None:
        """Open fresh connections now, without waiting for the next try that is due."""
        await self._pool.reconnect()

    def stats(self) -> Mapping[str, int | float]:
        """Counters of the pool, by name."""
        return self._pool.stats()
