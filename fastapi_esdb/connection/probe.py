"""The cheap call that tells whether there is a server at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.connection.call import unary
from fastapi_esdb.wire.cluster import SUPPORTED_METHODS, SupportedMethods
from fastapi_esdb.wire.errors import NotSupported

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.connection.deadline import Deadline

BEFORE_SERVER_FEATURES = SupportedMethods(version="", methods=())
"""What a server older than 21.10 tells of itself: that it is there."""


async def ask_server(channel: Channel, deadline: Deadline) -> SupportedMethods:
    """What the server can do. Goes without credentials: a node that is starting refuses even the right ones."""
    try:
        with channel.lease() as lease:
            return await unary(lease, SUPPORTED_METHODS, None, deadline)
    except NotSupported:
        return BEFORE_SERVER_FEATURES
