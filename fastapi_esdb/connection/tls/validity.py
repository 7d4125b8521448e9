"""The dates of certificates."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

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
