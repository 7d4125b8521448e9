"""The Operations service, for operators of the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.scavenging.scavenges import Scavenges
from fastapi_esdb.wire.admin.operations import Scavenge, StartScavenge, StopScavenge


class OperationService:
    """Operates a server, which has no index files to merge, and whose cluster elects whoever is there first.

    Args:
        scavenges: those of the server.
        shut_down: begins to stop the server, and returns at once.
    """

    def __init__(self, scavenges: Scavenges, shut_down: Callable[[], None]) -> None:
        self._scavenges = scavenges
        self._shut_down = shut_down

    async def start_scavenge(self, call: Call[StartScavenge, Scavenge]) -> None:
        """Begin a scavenge, or answer with the one that runs."""
        await call.send(await self._scavenges.start(await call.request()))

    async def stop_scavenge(self, call: Call[StopScavenge, Scavenge]) -> None:
        """Have a scavenge end soon. Raises ScavengeNotFound."""
        await call.send(self._scavenges.stop((await call.request()).scavenge_id))

    async def shut_down(self, call: Call[None, None]) -> None:
        """Answer, then stop the server."""
        await call.request()
        await call.send(None)
        self._shut_down()

    async def acknowledge(self, call: Call[Any, None]) -> None:
        """Answer only: there are no indexes to merge, and no priorities in elections."""
        await call.request()
        await call.send(None)
