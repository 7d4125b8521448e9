"""The authorities that the system trusts."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""The names under which OpenSSL looks for certificates in a folder."""


def system_roots() -> bytes | None:
    """Return their certificates, as PEM; `None` where there are none. Raises OSError for a file that can't be read.

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
    """Yield the files in these folders, whose names are separated as in a search path."""
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
