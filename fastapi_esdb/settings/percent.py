"""Percent-encoding, strictly: what can't be decoded is an error, never a guess.

No exception from here has another one as its context, since a `UnicodeDecodeError` would carry the text, and the text
may be a password.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote_to_bytes

_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def decode(text: str) -> str:
    """The text behind its percent-encoding. A `+` stays a `+`.

    Raises ValueError, whose message does not repeat the text, for a stray `%`, for bytes that are not UTF-8 and for
    control characters.
    """
    if _STRAY_PERCENT.search(text):
        raise ValueError("a '%' must be followed by two hexadecimal digits; the character '%' itself is written %25")
    encoded = unquote_to_bytes(text)
    decoded = encoded.decode("utf-8", "ignore")
    if decoded.encode() != encoded:
        raise ValueError("percent-encoded bytes must be UTF-8, as in %C3%A9 for é")
    if has_control(decoded):
        raise ValueError("control characters are not allowed, not even percent-encoded")
    return decoded


def encode(text: str, keep: str = "") -> str:
    """Percent-encode everything but letters, digits, `_.-~` and the characters in `keep`."""
    return quote(text, safe=keep)


def has_control(text: str) -> bool:
    """Whether there is a control character or half a surrogate pair in the text."""
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
