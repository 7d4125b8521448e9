"""Credentials travel encrypted, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.hosts import is_loopback
from fastapi_esdb.wire.headers import AUTHORIZATION, basic

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import Credentials
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.wire.headers import CallHeaders


def authorization_of(user: Credentials | None) -> str | None:
    """The value of the header that says who calls."""
    return basic(user.username, user.password.get_secret_value()) if user else None


def check_hosts(target: ConnectionString) -> None:
    """Raise `InvalidSettings` if user name and password would travel in plain text, except on this machine."""
    exposed = [host for host in target.hosts if not (target.options.tls or is_loopback(host))]
    if target.credentials is not None and exposed:
        raise _refusal(exposed[0])


def check_headers(lease: Lease, headers: CallHeaders) -> None:
    """The same for one call: its credentials may be its own, and its node one that only the cluster knows of."""
    if not lease.channel.takes_credentials and any(name == AUTHORIZATION for name, _ in headers.pairs):
        raise _refusal(lease.channel.host)


def _refusal(host: Host) -> InvalidSettings:
    return InvalidSettings(
        f"credentials (ESDB_USERNAME, ESDB_PASSWORD): would travel to {host.address} in plain text (tls=false): "
        "use tls=true, or set allow_insecure_credentials (ESDB_ALLOW_INSECURE_CREDENTIALS) to true where nobody else "
        "can read what is sent"
    )
