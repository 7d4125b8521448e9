"""TLS: which certificates are trusted, and which one is shown."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi_esdb.connection.tls.handshake import CA_FILE, USER_CERTIFICATE
from fastapi_esdb.connection.tls.roots import system_roots
from fastapi_esdb.errors import InvalidSettings

if TYPE_CHECKING:
    from fastapi_esdb.settings.options import ConnectionOptions

DAMAGED = "something in it is damaged"
"""Where OpenSSL gives no reason: it could not parse a part of a file that is a PEM file otherwise."""


def read_user_certificate(options: ConnectionOptions) -> tuple[bytes, bytes] | None:
    """Return the private key and the certificate to show, as PEM; `None` if there is none to show."""
    if options.user_cert_file is None or options.user_key_file is None:
        return None
    with _blaming(USER_CERTIFICATE):
        return options.user_key_file.read_bytes(), options.user_cert_file.read_bytes()


def read_roots(options: ConnectionOptions) -> bytes | None:
    """Return the authorities to trust, as PEM: those of `tlsCaFile`, else the system's; `None` if it has none."""
    if options.tls_ca_file is None:
        with _blaming("SSL_CERT_FILE"):
            return system_roots()
    with _blaming(CA_FILE):
        return options.tls_ca_file.read_bytes()


def ssl_context(options: ConnectionOptions) -> ssl.SSLContext:
    """Return the same as a context of the standard library. Raises `InvalidSettings` where a file can't be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    if options.tls_ca_file is not None:
        with _blaming(CA_FILE):
            context.load_verify_locations(cafile=options.tls_ca_file)
    if options.user_cert_file is not None:
        with _blaming(USER_CERTIFICATE):
            # an encrypted key is refused; without the empty password, OpenSSL would ask for it at the terminal
            context.load_cert_chain(options.user_cert_file, options.user_key_file, password="")
    return context


@contextmanager
def _blaming(setting: str) -> Iterator[None]:
    """Name the setting whose file can't be used; neither path nor content is repeated."""
    try:
        yield
    except OSError as error:
        problem = (error.reason or DAMAGED) if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidSettings(f"{setting}: must be a PEM file that can be read ({problem})") from None
