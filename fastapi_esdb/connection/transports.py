"""The transports there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.connection.grpcio.transport import open_grpcio

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import OpenTransport

open_transport: OpenTransport = open_grpcio
"""The one that connections are made with."""
