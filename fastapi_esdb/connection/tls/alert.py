"""Why a server hangs up after the handshake: with TLS 1.3 it says only then that it does not accept who connects."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from fastapi_esdb.connection.proxy import open_way, proxy_for
from fastapi_esdb.connection.tls.contexts import ssl_context
from fastapi_esdb.wire.errors import ConnectionRefused

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions


async def alert_of(host: Host, options: ConnectionOptions, deadline: Deadline) -> str:
    """The alert that the server sends, as OpenSSL tells it; empty if it sends none."""
    context = ssl_context(options)
    # who the server is was checked before, and nothing is sent to it
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(deadline.left()):
            reader, writer = await open_way(host, proxy_for(host, options))
            try:
                await writer.start_tls(context, server_hostname=host.name)
                # nothing is written: what a server that hangs up has not read makes a reset, which overtakes the alert
                await reader.read(1)
            finally:
                writer.transport.abort()
    except ssl.SSLError as error:
        return str(error)
    except (OSError, ConnectionRefused):
        pass
    return ""
