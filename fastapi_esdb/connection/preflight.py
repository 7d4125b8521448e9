"""What is checked before a call is sent: the server has it, and its credentials travel encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.credentials import BearerToken
from fastapi_esdb.settings.hosts import is_loopback
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS
from fastapi_esdb.wire.errors import NotSupported
from fastapi_esdb.wire.headers import AUTHORIZATION, basic, bearer
from fastapi_esdb.wire.methods import all_methods

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import AnyCredentials
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.wire.admin.cluster import SupportedMethods
    from fastapi_esdb.wire.headers import CallHeaders
    from fastapi_esdb.wire.method import Method


def lacking(server: SupportedMethods) -> frozenset[str]:
    """Return the paths of the calls that the server does not name among its own.

    None where it names nothing: servers before 21.10 can't tell what they have.
    """
    if not server.methods:
        return frozenset()
    told = {(method.service, method.name) for method in server.methods}
    absent = (method for method in all_methods() if (method.service.lower(), method.name.lower()) not in told)
    return frozenset(method.path for method in absent if method is not SUPPORTED_METHODS)


def authorization_of(user: AnyCredentials | None) -> str | None:
    """Return the value of the header that says who calls."""
    if isinstance(user, BearerToken):
        return bearer(user.token.get_secret_value())
    return basic(user.username, user.password.get_secret_value()) if user else None


def check_hosts(target: ConnectionString) -> None:
    """Raise `InvalidSettings` if user name and password would travel in plain text, except on this machine."""
    exposed = [host for host in target.hosts if not (target.options.tls or is_loopback(host))]
    if target.credentials is not None and exposed:
        raise _refusal(exposed[0])


def check_call(channel: Channel, method: Method[Any, Any], headers: CallHeaders) -> None:
    """Raise what speaks against sending a call on this channel at all.

    That is `InvalidSettings` for credentials that would travel in plain text: they may be the call's own, and its node
    one that only the cluster knows of. And `NotSupported` for a call that the server at the other end lacks.
    """
    if not channel.takes_credentials and any(name == AUTHORIZATION for name, _ in headers.pairs):
        raise _refusal(channel.host)
    if method.path in channel.lacks:
        raise NotSupported(method.path, method.since)


def _refusal(host: Host) -> InvalidSettings:
    return InvalidSettings(
        f"credentials (ESDB_USERNAME, ESDB_PASSWORD): would travel to {host.address} in plain text (tls=false): "
        "use tls=true, or set allow_insecure_credentials (ESDB_ALLOW_INSECURE_CREDENTIALS) to true where nobody else "
        "can read what is sent"
    )
