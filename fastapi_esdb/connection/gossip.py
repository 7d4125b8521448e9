"""Asking one node who the members of its cluster are, without credentials: one that is starting refuses all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi_esdb.connection.call import unary
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.proxy import naming, proxy_for
from fastapi_esdb.connection.transports import open_transport
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.wire.admin.cluster import GOSSIP, USABLE

if TYPE_CHECKING:
    from fastapi_esdb.settings.options import ConnectionOptions
    from fastapi_esdb.wire.admin.cluster import Member

PATIENCE = 1.0
"""Seconds that a node has to say how it is. Whoever has a wrong password waits for it."""


class _Nobody:
    """The listener of a channel that is used once: its one call tells what becomes of it."""

    is_suspect = False

    def suspect(self, channel: Channel, *, lost: bool) -> None:
        """Do nothing."""

    def released(self, channel: Channel) -> None:
        """Do nothing."""

    def gone(self, channel: Channel) -> None:
        """Do nothing."""


async def ask_members(
    host: Host, options: ConnectionOptions, deadline: Deadline, certified: str | None = None
) -> tuple[Member, ...]:
    """Return the members as the node at `host` sees them, over a connection of its own. Raises `EsdbError`.

    `certified` is the name that the node's certificate must be for, if that is not the host's own.
    """
    with naming(proxy_for(host, options)):
        transport = await open_transport(host, options, deadline, certified=certified)
        channel = Channel(transport, host, _Nobody(), is_encrypted=options.tls)
        try:
            return await ask_on(channel, deadline)
        finally:
            channel.retire()
            await channel.wait_closed()


async def ask_on(channel: Channel, deadline: Deadline) -> tuple[Member, ...]:
    """Return the same over a connection that is there."""
    with channel.lease() as lease:
        return (await unary(lease, GOSSIP, None, deadline)).members


async def says_not_ready(channel: Channel) -> bool:
    """Return whether the node says that it is in no state to answer; False if it says nothing, or nothing readable."""
    try:
        members = await ask_on(channel, Deadline.after(PATIENCE))
    except Exception:
        return False
    return any(member.state not in USABLE for member in _itself(members, channel.host))


def _itself(members: Sequence[Member], host: Host) -> Sequence[Member]:
    """Return the node among the members; the only one there is may go by another address."""
    return members if len(members) == 1 else [each for each in members if Host(each.host, each.port) == host]
