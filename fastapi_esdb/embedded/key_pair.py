"""A certificate and the private key that belongs to it."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from fastapi_esdb.wire.errors import InvalidArgument

_APART = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""The reasons of OpenSSL for a key that belongs to another certificate, of the same kind or not."""


def check_pair(certificate: bytes, key: bytes) -> None:
    """Raise InvalidArgument, which names the culprit, for what can't be read (both are PEM) or fit together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # how long a key must be is left to gRPC
    try:
        context.load_verify_locations(cadata=certificate.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise InvalidArgument("the certificate (--tls-cert) is none, or damaged: it must be PEM") from None
    try:
        _load(context, certificate, key)
    except ssl.SSLError as error:
        raise InvalidArgument(_complaint(error)) from None


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python reads both from files only."""
    with tempfile.TemporaryDirectory(prefix="esdb-") as folder:
        certificate_file, key_file = Path(folder, "cert.pem"), Path(folder, "key.pem")
        certificate_file.write_bytes(certificate)
        key_file.write_bytes(key)
        # without the empty password, OpenSSL would ask for it at the terminal
        context.load_cert_chain(certificate_file, key_file, password="")


def _complaint(error: ssl.SSLError) -> str:
    if error.reason in _APART:
        return "the private key (--tls-key) belongs to another certificate than the one given (--tls-cert)"
    return "the private key (--tls-key) is none, or damaged, or has a password: it must be PEM, without a password"
