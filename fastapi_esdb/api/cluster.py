"""What the nodes tell of themselves."""

from __future__ import annotations

from typing import Unpack

from fastapi_esdb.api.calls import Calls
from fastapi_esdb.api.options import Options, chosen
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS, Member, SupportedMethods


class Cluster(Calls):
    """The cluster as the node that is asked sees it. Every call takes the `Options` that all calls take."""

    async def members(self, **options: Unpack[Options]) -> tuple[Member, ...]:
        """The nodes, with their roles and whether they are alive."""
        return (await self._carrier.call(GOSSIP, None, chosen(options))).members

    async def supported_methods(self, **options: Unpack[Options]) -> SupportedMethods:
        """The version of the node and the calls that it has. Servers before 21.10 raise `NotSupported`."""
        return await self._carrier.call(SUPPORTED_METHODS, None, chosen(options))

    async def server_version(self, **options: Unpack[Options]) -> str:
        """The version of the node, asked now."""
        return (await self.supported_methods(**options)).version
