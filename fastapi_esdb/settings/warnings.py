"""What in the settings is allowed and still worth a warning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi_esdb.settings.hosts import is_loopback

if TYPE_CHECKING:
    from fastapi_esdb.settings.connection_string import ConnectionString

FREQUENT_PINGS = 10_000
"""Milliseconds. Below this, official clients warn, since servers and proxies may take pings for an attack."""


def warnings_about(target: ConnectionString) -> Iterator[str]:
    """Yield sentences for the log, which name settings and show no value that is secret."""
    options = target.options
    if options.tls and not options.tls_verify_cert:
        yield "the server's certificate is not checked (tlsVerifyCert=false): anyone in between can read and change"
    if target.credentials and not options.tls and not all(map(is_loopback, target.hosts)):
        yield "user name and password travel in plain text (tls=false): anyone in between can read them"
    if 0 < options.keep_alive_interval < FREQUENT_PINGS:
        yield "keepAliveInterval is below 10000 ms: servers and proxies may close connections that ping so often"
