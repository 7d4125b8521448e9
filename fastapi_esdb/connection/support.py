"""Which calls a server does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS
from fastapi_esdb.wire.errors import NotSupported
from fastapi_esdb.wire.methods import all_methods

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.wire.admin.cluster import SupportedMethods
    from fastapi_esdb.wire.method import Method


def lacking(server: SupportedMethods) -> frozenset[str]:
    """The paths of the calls that the server does not name among its own.

    None where it names nothing: servers before 21.10 can't tell what they have.
    """
    if not server.methods:
        return frozenset()
    told = {(method.service, method.name) for method in server.methods}
    absent = (method for method in all_methods() if (method.service.lower(), method.name.lower()) not in told)
    return frozenset(method.path for method in absent if method is not SUPPORTED_METHODS)


def check_support(lease: Lease, method: Method[Any, Any]) -> None:
    """Raise `NotSupported` for a call that the server at the other end lacks, which saves sending it."""
    if method.path in lease.channel.lacks:
        raise NotSupported(method.path, method.since)
