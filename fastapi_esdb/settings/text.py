"""Text that may hold a password: percent-decoded strictly, and complained about without repeating it.

What can't be decoded is an error, never a guess. No exception from here has another one as its context, since a
`UnicodeDecodeError` would carry the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import clear_frames
from urllib.parse import quote, unquote_to_bytes

from fastapi_esdb.errors import InvalidConnectionString

_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def decode(text: str) -> str:
    """Return the text behind its percent-encoding. A `+` stays a `+`.

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
    """Return the text with everything percent-encoded but letters, digits, `_.-~` and the characters in `keep`."""
    return quote(text, safe=keep)


def has_control(text: str) -> bool:
    """Return whether there is a control character or half a surrogate pair in the text."""
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


def problem(part: str, wrong: str) -> InvalidConnectionString:
    """Return the error to raise for `part`. Neither text may repeat the input: a password may be anywhere in it."""
    return InvalidConnectionString(f"connection string, {part}: {wrong}")


@contextmanager
def variables_hidden() -> Iterator[None]:
    """Empty the frames that an exception from within has left: tools that show tracebacks show their variables, too.

    The frame around this stays as it is, so the secret may be no variable there.
    """
    try:
        yield
    except BaseException as error:
        clear_frames(error.__traceback__)
        raise
