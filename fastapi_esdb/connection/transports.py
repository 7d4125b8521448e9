"""The transports there are, of which the settings choose one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fastapi_esdb.settings.choices import TransportKind

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.transport import OpenTransport, Transport
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions

_OPENED_BY = {
    TransportKind.GRPCIO: ("fastapi_esdb.connection.grpcio.transport", "open_grpcio"),
    TransportKind.HTTP2: ("fastapi_esdb.connection.http2.transport", "open_http2"),
}
"""The module and the function of each; nobody loads the other one."""


async def open_transport(
    host: Host, options: ConnectionOptions, deadline: Deadline, *, slowdown: int = 1, certified: str | None = None
) -> Transport:
    """Return a transport of the kind that the options name; see `OpenTransport`."""
    module, function = _OPENED_BY[options.transport]
    opened: OpenTransport = getattr(import_module(module), function)
    return await opened(host, options, deadline, slowdown=slowdown, certified=certified)
