"""The HTTP proxy on the way to a server, if the settings want one: the environment says which, and for which hosts."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.hosts import is_loopback
from fastapi_esdb.settings.text import variables_hidden
from fastapi_esdb.wire.errors import ConnectionRefused, EsdbError

if TYPE_CHECKING:
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions

SCHEMES = ("grpc", "https", "http")
"""What the names of the variables begin with, in the order in which gRPC looks at them."""

DEFAULT_PORT = 80
DONE = "200"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable of the environment that names it."""

    host: str
    port: int
    variable: str
    user_info: str = field(default="", repr=False)
    """User and password, as they stand in the URL."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Return it all in one, with the password."""
        at = f"{self.user_info}@" if self.user_info else ""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{at}{name}:{self.port}"


def proxy_for(host: Host, options: ConnectionOptions) -> Proxy | None:
    """Return the proxy on the way to the host. Raises `InvalidSettings` for one that is no HTTP proxy.

    None leads to this machine's own loopback: a proxy's loopback is another machine's.
    """
    if not options.use_proxy or is_loopback(host):
        return None
    with variables_hidden():
        return _from_environment(host)


def _from_environment(host: Host) -> Proxy | None:
    named = getproxies_environment()
    scheme = next((scheme for scheme in SCHEMES if named.get(scheme)), None)
    if scheme is None or proxy_bypass(host.address):
        return None
    return _parse(named[scheme], f"{scheme}_proxy")


def _parse(url: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or DEFAULT_PORT
    except ValueError:
        parts, port = urlsplit(""), DEFAULT_PORT
    if parts.scheme != "http" or not parts.hostname:
        raise InvalidSettings(f"{variable}: must be like http://proxy.example:3128 for use_proxy (ESDB_USE_PROXY)")
    return Proxy(parts.hostname, port, variable, parts.netloc.rpartition("@")[0])


@contextmanager
def naming(proxy: Proxy | None) -> Iterator[None]:
    """Have errors say that the way led through the proxy."""
    try:
        yield
    except (EsdbError, OSError) as error:
        if proxy is not None:
            error.add_note(
                f"by way of the proxy {proxy}, which {proxy.variable} names; use_proxy (ESDB_USE_PROXY) is on"
            )
        raise


async def open_way(host: Host, proxy: Proxy | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection to the host. Raises what asyncio does, and `ConnectionRefused` where the proxy says no."""
    if proxy is None:
        return await asyncio.open_connection(host.name, host.port)
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    try:
        writer.write(connect_request(host, proxy))
        check_answer(await _head(reader))
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


def connect_request(host: Host, proxy: Proxy) -> bytes:
    """Return what asks a proxy for the way to a host."""
    lines = [f"CONNECT {host.address} HTTP/1.1", f"Host: {host.address}"]
    if proxy.user_info:
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(unquote(proxy.user_info).encode()).decode()}")
    return "\r\n".join([*lines, "", ""]).encode()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""


def check_answer(head: bytes) -> None:
    """Raise `ConnectionRefused` unless the head of a proxy's answer says that the way is open."""
    version, _, status = head.decode("latin-1").partition("\r\n")[0].partition(" ")
    if not head:
        raise ConnectionRefused("the proxy does not answer as one")
    if not (version.startswith("HTTP/1.") and status.startswith(DONE)):
        raise ConnectionRefused(f"the proxy answers {status[:100]!r}")
