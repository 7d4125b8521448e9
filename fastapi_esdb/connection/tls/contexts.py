"""Which certificates are trusted, and which one is shown."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi_esdb.connection.tls.handshake import CA_FILE, USER_CERTIFICATE
from fastapi_esdb.errors import InvalidSettings

if TYPE_CHECKING:
    from fastapi_esdb.settings.options import ConnectionOptions

MOST_CONTEXTS = 8
"""Contexts that are kept: those of as many pools."""
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The names under which OpenSSL looks for certificates in a folder."""


def system_roots() -> bytes | None:
    """Their certificates, as PEM; `None` where there are none. Raises OSError for a file that can't be read.

    They are where OpenSSL looks: in a file (`SSL_CERT_FILE` names another one), and without one in a folder, or in the
    folder that `SSL_CERT_DIR` names beside the file. Else they are in the stores of Windows.
    """
    paths = ssl.get_default_verify_paths()
    named = os.environ.get(paths.openssl_capath_env)
    found = [Path(paths.cafile).read_bytes()] if paths.cafile else []
    if named or not found:
        found += _in_folders(named or paths.openssl_capath)
    return b"\n".join(found or _in_stores()) or None


def _in_folders(folders: str) -> Iterator[bytes]:
    """The files in these folders, whose names are separated as in a search path."""
    for folder in filter(None, folders.split(os.pathsep)):
        with suppress(OSError):
            yield from _in_folder(Path(folder))


def _in_folder(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.iterdir()):
        if _HASHED.fullmatch(file.name):
            with suppress(OSError):
                yield file.read_bytes()


def _in_stores() -> Iterator[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    for certificate in context.get_ca_certs(binary_form=True):
        yield ssl.DER_cert_to_PEM_cert(certificate).encode()


_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

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
    context = _showing_context(options)
    if options.tls_ca_file is not None:
        with _blaming(CA_FILE):
            context.load_verify_locations(cafile=options.tls_ca_file)
    return context


@lru_cache(MOST_CONTEXTS)
def verifying_context(
    options: ConnectionOptions,
    roots: bytes | None,
    shown: tuple[bytes, bytes] | None,  # noqa: ARG001 - that of the files in the options, which may have been replaced
) -> ssl.SSLContext:
    """Return a context that trusts the `roots` (`None` for those that OpenSSL finds), or everybody if so chosen.

    It is the same one as long as the certificates are: the system's authorities take longer to read than all else that
    a connection begins with, and attempts follow each other while a server is away.
    """
    context = _showing_context(options)
    if not options.tls_verify_cert:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif roots is None:
        context.load_default_certs()
    else:
        with _blaming(CA_FILE if options.tls_ca_file else "SSL_CERT_FILE"):
            _trust(context, roots)
    return context


def _showing_context(options: ConnectionOptions) -> ssl.SSLContext:
    """Return a context for HTTP/2 that shows the user certificate, if there is one, and trusts nobody yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    if options.user_cert_file is not None:
        with _blaming(USER_CERTIFICATE):
            # an encrypted key is refused; without the empty password, OpenSSL would ask for it at the terminal
            context.load_cert_chain(options.user_cert_file, options.user_key_file, password="")
    return context


def _trust(context: ssl.SSLContext, roots: bytes) -> None:
    """Trust those certificates that can be read; raises SSLError where that is none."""
    text = roots.decode("ascii", "ignore")  # what stands between the certificates is for people, in any language
    try:
        context.load_verify_locations(cadata=text)
    except ssl.SSLError:
        for certificate in _CERTIFICATE.findall(text):
            with suppress(ssl.SSLError):
                context.load_verify_locations(cadata=certificate)
        if not context.cert_store_stats()["x509_ca"]:
            raise


@contextmanager
def _blaming(setting: str) -> Iterator[None]:
    """Name the setting whose file can't be used; neither path nor content is repeated."""
    try:
        yield
    except OSError as error:
        problem = (error.reason or DAMAGED) if isinstance(error, ssl.SSLError) else error.strerror
        raise InvalidSettings(f"{setting}: must be a PEM file that can be read ({problem})") from None
