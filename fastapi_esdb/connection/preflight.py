"""What is checked before a call is sent: the server has it, and its credentials travel encrypted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.credentials import BearerToken
from fastapi_esdb.settings.hosts import is_loopback
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS
from fastapi_esdb.wire.errors import EsdbError, IndexNotFound, NotSupported
from fastapi_esdb.wire.events.values import INDEX_PREFIX, IndexFilter
from fastapi_esdb.wire.groups.methods import TRUNCATE_PARKED
from fastapi_esdb.wire.headers import AUTHORIZATION, basic, bearer
from fastapi_esdb.wire.method import Request
from fastapi_esdb.wire.streams_v2.methods import APPEND_SESSION

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import AnyCredentials
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.wire.admin.cluster import SupportedMethods
    from fastapi_esdb.wire.headers import CallHeaders
    from fastapi_esdb.wire.method import Method


def offered(server: SupportedMethods) -> frozenset[str]:
    """Return the keys of the calls that the server names among its own."""
    return frozenset(f"/{method.service}/{method.name}".lower() for method in server.methods)


def is_offered(channel: Channel, method: Method[Any, Any]) -> bool:
    """Return whether the server at the other end names the call among its own."""
    return method.key in channel.offers


def is_lacking(channel: Channel, method: Method[Any, Any]) -> bool:
    """Return whether the server lacks the call: it has refused it, or does not name it among its own.

    Servers before 21.10 name nothing, and no server names what the protocol does not describe (without `since`).
    Whether it truncates parked events is seen when it is asked to: the embedded server does, and keeps to the list of
    26.1.0.
    """
    if method.path in channel.lacks:
        return True
    if is_offered(channel, method):
        return False
    return bool(channel.offers and method.since) and method not in (SUPPORTED_METHODS, TRUNCATE_PARKED)


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
    if is_lacking(channel, method):
        raise NotSupported(method.path, method.since)


def carried_out_by(channel: Channel, request: Request) -> Request:
    """Return a request as the server at the other end can carry it out.

    A server that has no index of the kind would take its name for the beginning of stream names, and find nothing: it
    gets the filter that is meant for it `instead`. Raises `NotSupported` where there is none.
    """
    chosen = getattr(request, "filter", None)
    if not isinstance(chosen, IndexFilter):
        return request
    from fastapi_esdb.wire.admin.indexes import CREATE_INDEX  # noqa: PLC0415  for those who read an index

    came_with = APPEND_SESSION if chosen.instead else CREATE_INDEX
    if is_offered(channel, came_with) and not (chosen.instead and INDEX_PREFIX in channel.lacks):
        return request
    if chosen.instead is None:
        raise NotSupported(f"the index {chosen.index!r}", came_with.since)
    return cast("Request", replace(cast("Any", request), filter=chosen.instead))


def takes_filter_instead(channel: Channel, request: Request, error: EsdbError) -> bool:
    """Return whether a request for an index failed only since this server makes none, so that the filter is next."""
    chosen = getattr(request, "filter", None)
    if not isinstance(error, IndexNotFound) or not isinstance(chosen, IndexFilter) or chosen.instead is None:
        return False
    channel.lacks |= {INDEX_PREFIX}
    return True


def _refusal(host: Host) -> InvalidSettings:
    return InvalidSettings(
        f"credentials (ESDB_USERNAME, ESDB_PASSWORD): would travel to {host.address} in plain text (tls=false): "
        "use tls=true, or set allow_insecure_credentials (ESDB_ALLOW_INSECURE_CREDENTIALS) to true where nobody else "
        "can read what is sent"
    )
