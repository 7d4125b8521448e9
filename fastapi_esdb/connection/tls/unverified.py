"""TLS without a check of the server's certificate: to ask the server for it, or for what it has to say.

gRPC for Python can't leave the check out, as `tlsVerifyCert=false` asks for. What it can is to trust one certificate
for one name: so we ask the server for the certificate it shows, and trust that. Whoever is in the way can show one of
their own; that is what leaving the check out means. gRPC looks at the dates of what it trusts, too: a certificate that
has expired, or is not valid yet, stays refused.

With TLS 1.3 a server says only after the handshake that it does not accept who connects, and gRPC does not pass that
on.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.proxy import open_way, proxy_for
from fastapi_esdb.connection.tls.contexts import ssl_context
from fastapi_esdb.connection.tls.handshake import HUNG_UP_IN_HANDSHAKE, SILENT, Certificates, tls_failure
from fastapi_esdb.errors import TlsFailed
from fastapi_esdb.wire.errors import ConnectionRefused

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.proxy import Proxy
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A server's certificate (PEM) and a name it is valid for."""

    pem: bytes
    name: str


async def shown_certificate(
    host: Host, options: ConnectionOptions, deadline: Deadline, proxy: Proxy | None
) -> ShownCertificate:
    """Ask a server for its certificate, perhaps through a proxy.

    Raises `ConnectionRefused`, or `TlsFailed` if it speaks no TLS or gRPC would not take its certificate.
    """
    trusting_all = ssl_context(options)
    trusting_all.check_hostname = False
    trusting_all.verify_mode = ssl.CERT_NONE
    pem = ssl.DER_cert_to_PEM_cert(await _peer_certificate(host, trusting_all, deadline, proxy, binary=True))
    # Python parses a certificate only after verifying it, hence a second look that trusts the first one
    trusting_it = ssl_context(options)
    trusting_it.check_hostname = False
    trusting_it.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting_it.load_verify_locations(cadata=pem)
    parsed = await _peer_certificate(host, trusting_it, deadline, proxy, binary=False)
    return ShownCertificate(pem.encode(), _a_name(parsed) or host.name)


async def alert_of(host: Host, options: ConnectionOptions, deadline: Deadline) -> str:
    """Return the alert that the server sends, as OpenSSL tells it; empty if it sends none."""
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


async def _peer_certificate(
    host: Host, context: ssl.SSLContext, deadline: Deadline, proxy: Proxy | None, *, binary: bool
) -> Any:
    writer = await _reached(host, deadline, proxy)
    try:
        async with asyncio.timeout(deadline.left()):
            await writer.start_tls(context, server_hostname=host.name)
        return writer.get_extra_info("ssl_object").getpeercert(binary)
    except ssl.SSLCertVerificationError as error:
        raise TlsFailed(f"{_meaning(error)}; tlsVerifyCert=false does not leave that check out") from None
    except ssl.SSLError as error:
        raise TlsFailed(_meaning(error)) from None
    except TimeoutError:
        raise TlsFailed(f"the server {SILENT}") from None
    except OSError:
        raise TlsFailed(HUNG_UP_IN_HANDSHAKE) from None
    finally:
        # not closed politely: a server that waits for HTTP/2 frames would let us wait in turn
        writer.transport.abort()


async def _reached(host: Host, deadline: Deadline, proxy: Proxy | None) -> asyncio.StreamWriter:
    try:
        async with asyncio.timeout(deadline.left()):
            return (await open_way(host, proxy))[1]
    except TimeoutError:
        raise ConnectionRefused("it did not take the connection in time") from None
    except (OSError, ValueError, OverflowError) as error:  # the latter are for what is no name, and no port
        raise ConnectionRefused(str(error)) from error


def _meaning(error: ssl.SSLError) -> str:
    known = tls_failure(str(error), Certificates())
    return known.reason if known else f"the handshake failed ({error.reason})"


def _a_name(certificate: dict[str, Any]) -> str | None:
    """Return a host name or address that the certificate stands for; any label does for a wildcard."""
    alternatives = [value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    common = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return next((name.replace("*", "any", 1) for name in (*alternatives, *common)), None)
