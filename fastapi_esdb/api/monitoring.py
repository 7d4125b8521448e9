"""Statistics of nodes, the members of their cluster, and their versions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.api.calls import ConnectionPart, Options
from fastapi_esdb.api.iteration import Drawing, Iteration
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS, Member, SupportedMethods
from fastapi_esdb.wire.admin.monitoring import STATS, Statistics, StatsRequest
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted

MILLISECONDS = 1000
MAX_PERIOD = 2**63
"""Milliseconds; the protocol has 64 bits for them."""


class Monitoring(ConnectionPart):
    """Statistics of the nodes."""

    def stats(
        self, interval: float = 5.0, *, use_metadata: bool = False, **options: Unpack[Options]
    ) -> Iteration[Statistics]:
        """Iterate over statistics of the node that is reached: now, and then every `interval` seconds, without end.

        Each is a mapping of names such as `proc-mem` to texts; `use_metadata` adds what a value is about. Ends with
        the connection.
        """
        period = (arguments.seconds(interval, "interval") or 0) * MILLISECONDS
        if not 1 <= period <= MAX_PERIOD:
            raise InvalidArgument(f"interval must be a number of seconds, 0.001 or more, not {quoted(interval)}")
        request = StatsRequest(round(period), use_metadata)
        return self._stop.ends(Iteration(Drawing(self._stats(request, CallOptions.of(**options)))))

    async def _stats(self, request: StatsRequest, options: CallOptions) -> AsyncGenerator[list[Statistics], None]:
        async with self._carrier.stream(STATS, [request], options, long_lived=True) as answers:
            while statistics := await answers.read():
                yield list(statistics)


class Cluster(ConnectionPart):
    """The cluster as the node that is asked sees it. Every call takes the `Options` that all calls take."""

    async def members(self, **options: Unpack[Options]) -> tuple[Member, ...]:
        """Return the nodes, with their roles and whether they are alive."""
        return (await self._carrier.call(GOSSIP, None, CallOptions.of(**options))).members

    async def supported_methods(self, **options: Unpack[Options]) -> SupportedMethods:
        """Return the version of the node and the calls that it has. Servers before 21.10 raise `NotSupported`."""
        return await self._carrier.call(SUPPORTED_METHODS, None, CallOptions.of(**options))

    async def server_version(self, **options: Unpack[Options]) -> str:
        """Return the version of the node, asked now."""
        return (await self.supported_methods(**options)).version
