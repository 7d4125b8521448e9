"""What it means when a server is reached and no connection comes of it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi_esdb.errors import HandshakeFailed, TlsFailed
from fastapi_esdb.wire.errors import ConnectionRefused

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE = 0x30
_UTC_TIME = 0x17
_LONG_LENGTH = 0x80
"""The bit of a length that says that it is in the bytes behind, whose number the other bits are (X.690, 8.1.3)."""


@dataclass(frozen=True, slots=True)
class Validity:
    """The first and the last moment at which a certificate is valid."""

    begins: datetime
    ends: datetime

    @property
    def is_over(self) -> bool:
        """Return whether it has expired."""
        return datetime.now(UTC) > self.ends

    @property
    def is_to_come(self) -> bool:
        """Return whether it has not begun."""
        return datetime.now(UTC) < self.begins


def validities(pem: bytes | None) -> list[Validity]:
    """Return one for each certificate, in their order; those that can't be read are left out."""
    found = []
    for block in _BLOCK.findall((pem or b"").decode("ascii", errors="replace")):
        with suppress(ValueError, LookupError):
            found.append(_validity(ssl.PEM_cert_to_DER_cert(block)))
    return found


def _validity(der: bytes) -> Validity:
    """Return what stands behind the signature's algorithm and the issuer (RFC 5280, 4.1)."""
    [(_, certificate)] = _values(der)
    (_, to_be_signed), *_ = _values(certificate)
    _algorithm, _issuer, dates, *_ = [value for tag, value in _values(to_be_signed) if tag == _SEQUENCE]
    begins, ends = (_moment(tag, text) for tag, text in _values(dates))
    return Validity(begins, ends)


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the values that follow each other in DER, each with its tag."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & _LONG_LENGTH:
            size = length ^ _LONG_LENGTH
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        yield tag, der[at : at + length]
        at += length


def _moment(tag: int, text: bytes) -> datetime:
    year = "%y" if tag == _UTC_TIME else "%Y"
    return datetime.strptime(text.decode("ascii"), f"{year}%m%d%H%M%SZ").replace(tzinfo=UTC)


CA_FILE = "tlsCaFile (ESDB_TLS_CA_FILE)"
USER_CERTIFICATE = "userCertFile (ESDB_USER_CERT_FILE), userKeyFile (ESDB_USER_KEY_FILE)"
OTHER_SERVICE = "this may be the port of another service (ESDB_CONNECTION_STRING)"
SILENT = f"says nothing: it is frozen, or {OTHER_SERVICE}"

HUNG_UP_IN_HANDSHAKE = f"the server hung up in the handshake: it may be starting or stopping, or {OTHER_SERVICE}"
HUNG_UP_AFTERWARDS = "the server hung up after the handshake without a reason: it may be starting or stopping"
"""Also where it has told a reason: gRPC passes on no alert of TLS 1.3 that follows the handshake."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """The PEM texts of a handshake: the authorities that are trusted, as far as known, and what is shown."""

    trusted: bytes | None = None
    shown: bytes | None = None


_WEB_SERVER = re.compile(r"HTTP status [0-9]|http2 header with status")
"""In the words of the transports for an answer without gRPC's own status."""


def web_server(details: str) -> HandshakeFailed | None:
    """Return the error behind the text of a call that an HTTP/2 server answered which has never heard of gRPC."""
    if not _WEB_SERVER.search(details):
        return None
    return HandshakeFailed(f"answers as a web server does ({details}): {OTHER_SERVICE}")


def failure(details: str, used: Certificates | None) -> ConnectionRefused | None:
    """Return the error behind the text of a failed attempt to connect, made with TLS if certificates were used.

    `None` if it did not get as far as the server.
    """
    return _plain_text_failure(details) if used is None else tls_failure(details, used)


def _plain_text_failure(details: str) -> HandshakeFailed | None:
    found = next((meaning for sign, meaning in _PLAIN_TEXT_CAUSES if re.search(sign, details)), None)
    return None if found is None else HandshakeFailed(found)


def tls_failure(details: str, used: Certificates) -> TlsFailed | None:
    """Return the same for an attempt with TLS."""
    found = next((meaning for sign, meaning in _CAUSES if re.search(sign, details)), None)
    if found is None:
        return None
    return TlsFailed(found if isinstance(found, str) else found(details, used))


def _expired(_: str, used: Certificates) -> str:
    return _out_of_date("has expired", [authority.is_over for authority in validities(used.trusted)])


def _too_early(_: str, used: Certificates) -> str:
    early = [authority.is_to_come for authority in validities(used.trusted)]
    return _out_of_date("is not valid yet by the clock of this machine", early)


def _out_of_date(what: str, authorities: list[bool]) -> str:
    """Return whose dates are wrong, which nobody says: the trusted authorities tell by theirs."""
    if not any(authorities):
        return f"the server's certificate {what}"
    if all(authorities):
        return f"the authority of the server's certificate {what}: see {CA_FILE}"
    return f"the server's certificate {what}, or its authority, as some that are trusted: see {CA_FILE}"


def _not_verified(details: str, _: Certificates) -> str:
    return f"the server's certificate can't be used ({_reason(details)})"


def _broken_off(_: str, used: Certificates) -> str:
    if used.shown is None:
        return f"the server broke the handshake off; it may want a user certificate: see {USER_CERTIFICATE}"
    own = validities(used.shown)[:1]
    if any(validity.is_over for validity in own):
        return f"the user certificate has expired: see {USER_CERTIFICATE}"
    if any(validity.is_to_come for validity in own):
        return f"the user certificate is not valid yet: see {USER_CERTIFICATE}, and the clock of this machine"
    return (
        "the server broke the handshake off; it may not trust the authority of the user certificate: "
        f"see {USER_CERTIFICATE}"
    )


def _failed(details: str, _: Certificates) -> str:
    return f"the handshake failed ({_reason(details)})"


def _reason(details: str) -> str:
    """Return what gRPC's TLS library says, without the path that it came on."""
    return details.rpartition("OPENSSL_internal:")[2].removesuffix(": OK")


_CAUSES: tuple[tuple[str, str | Callable[[str, Certificates], str]], ...] = (
    (
        "WRONG_VERSION_NUMBER",
        f"the server answers in plain text: is it meant to be tls=false (ESDB_TLS)? If not, {OTHER_SERVICE}",
    ),
    ("missing selected ALPN", f"the server does not speak HTTP/2: {OTHER_SERVICE}"),
    (r"Handshake read failed \(Endpoint closing|before receiving SETTINGS", f"the server {SILENT}"),
    ("Handshake read failed|Failed to connect to remote host.*reset", HUNG_UP_IN_HANDSHAKE),
    ("HTTP/2", f"the server does not speak HTTP/2: {OTHER_SERVICE}"),
    (
        "Hostname Verification|Hostname mismatch|IP address mismatch",
        "the server's certificate is for another host name than the one connected to",
    ),
    ("certificate has expired", _expired),
    ("certificate is not yet valid", _too_early),
    (
        "issuer certificate|self.signed|signature failure",
        f"the server's certificate is not signed by a trusted authority: see {CA_FILE}",
    ),
    ("CERTIFICATE_VERIFY_FAILED", _not_verified),
    ("ALERT_.*(CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED)|CERTIFICATE_REQUIRED", _broken_off),
    ("TSI_PROTOCOL_FAILURE", _failed),
    ("Unwrap failed|Socket closed|Connection reset", HUNG_UP_AFTERWARDS),
    ("security handshaker", f"a certificate file can't be used: see {CA_FILE} and {USER_CERTIFICATE}"),
)
"""What is said of a handshake that failed, and what it means. The first row that fits counts."""

_PLAIN_TEXT_CAUSES = (
    ("before receiving SETTINGS", SILENT),
    ("http1|HTTP/1", f"speaks HTTP/1: {OTHER_SERVICE}"),
    # the fourth byte of "SSH-", where HTTP/2 has the type of a frame
    ("frame type 45|speaks SSH", f"speaks SSH: {OTHER_SERVICE}"),
    ("HTTP/2", f"does not speak HTTP/2: {OTHER_SERVICE}"),
    (
        "Socket closed|Connection reset",
        "hung up: is it meant to be tls=true (ESDB_TLS)? If not, it may be starting or stopping",
    ),
)
"""The same in plain text."""
