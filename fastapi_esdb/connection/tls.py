"""TLS: which certificates are trusted, which one is shown, and what went wrong."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from fastapi_esdb.errors import InvalidSettings, TlsFailed

if TYPE_CHECKING:
    from fastapi_esdb.settings.connection_options import ConnectionOptions

CA_FILE = "tlsCaFile (ESDB_TLS_CA_FILE)"
USER_CERTIFICATE = "userCertFile (ESDB_USER_CERT_FILE), userKeyFile (ESDB_USER_KEY_FILE)"

_CAUSES = (
    ("WRONG_VERSION_NUMBER", "the server answers in plain text: is it meant to be tls=false (ESDB_TLS)?"),
    ("Hostname Verification", "the server's certificate is for another host name than the one connected to"),
    ("certificate has expired", "the server's certificate has expired"),
    ("CERTIFICATE_VERIFY_FAILED", f"the server's certificate is not signed by a trusted authority: see {CA_FILE}"),
    ("TSI_PROTOCOL_FAILURE", "the server refused the handshake; it may want another user certificate"),
    ("Socket closed", f"the server broke the handshake off; it may want a user certificate: see {USER_CERTIFICATE}"),
    ("Connection reset", f"the server broke the handshake off; it may want a user certificate: see {USER_CERTIFICATE}"),
    ("security handshaker", f"a certificate file can't be used: see {CA_FILE} and {USER_CERTIFICATE}"),
)
"""What gRPC says of a handshake that failed, and what it means. The first row that fits counts."""


def tls_failure(details: str) -> TlsFailed | None:
    """The error behind the status text of an attempt to connect with TLS, `None` if it did not get that far."""
    return next((TlsFailed(meaning) for sign, meaning in _CAUSES if sign in details), None)


def make_credentials(options: ConnectionOptions, roots: bytes | None) -> grpc.ChannelCredentials:
    """What a channel trusts (`roots`, PEM; `None` for those that gRPC brings) and shows to the server."""
    if options.user_cert_file is None or options.user_key_file is None:
        return grpc.ssl_channel_credentials(roots)
    with _blaming(USER_CERTIFICATE):
        key, certificate = options.user_key_file.read_bytes(), options.user_cert_file.read_bytes()
    return grpc.ssl_channel_credentials(roots, key, certificate)


def read_roots(options: ConnectionOptions) -> bytes | None:
    """The authorities to trust, as PEM: those of `tlsCaFile`, else the system's, else (`None`) those of gRPC."""
    file = options.tls_ca_file or _system_roots()
    if file is None:
        return None
    with _blaming(CA_FILE):
        return file.read_bytes()


def _system_roots() -> Path | None:
    found = ssl.get_default_verify_paths().cafile
    return Path(found) if found else None


def ssl_context(options: ConnectionOptions) -> ssl.SSLContext:
    """The same in terms of the standard library. Raises `InvalidSettings` where a file can't be used."""
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
        problem = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidSettings(f"{setting}: must be a PEM file that can be read ({problem})") from None
