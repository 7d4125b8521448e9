"""The cheap call that tells whether there is a server at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.connection.call import unary
from fastapi_esdb.connection.secrecy import authorization_of
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethods
from fastapi_esdb.wire.errors import NotSupported
from fastapi_esdb.wire.headers import CallHeaders, CallMetadata

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.credentials import Credentials

BEFORE_SERVER_FEATURES = SupportedMethods(version="", methods=())
"""What a server older than 21.10 tells of itself: that it is there."""


async def ask_server(channel: Channel, deadline: Deadline, credentials: Credentials | None = None) -> SupportedMethods:
    """What the server can do. It tells everybody, and whoever shows credentials only if they are right.

    A node that is starting refuses even the right ones.
    """
    headers = CallHeaders(CallMetadata(authorization_of(credentials)).pairs())
    try:
        with channel.lease() as lease:
            return await unary(lease, SUPPORTED_METHODS, None, deadline, headers)
    except NotSupported:
        return BEFORE_SERVER_FEATURES
