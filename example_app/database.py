"""The shop's EventStoreDB: the one named in ESDB_CONNECTION_STRING, else an embedded server that lives with the app."""

from __future__ import annotations

from ipaddress import ip_address
from secrets import compare_digest
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from fastapi_esdb import Connection, Esdb

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


async def operators(request: Request) -> None:
    """Let this machine see the status page and close connections, and who has the token of the settings.

    The name that was asked for counts as well: a page of somebody else's can have a name lead here.
    """
    if request.client and _is_loopback(request.client.host) and request.url.hostname in THIS_MACHINE:
        return
    token = shop.connection_of(request.app).pool.settings.control_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token is None or not compare_digest(given.encode(), token.get_secret_value().encode()):
        raise HTTPException(403, "only by http://127.0.0.1 or http://localhost, or with ESDB_CONTROL_TOKEN")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


shop = Esdb(embedded=True, control=operators)

ShopConnection = Annotated[Connection, Depends(shop.get_connection)]
