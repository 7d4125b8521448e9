"""What servers send that can't be read, and how texts and values from elsewhere are shown."""

from __future__ import annotations

from fastapi_esdb.wire.errors.network import NoAnswer

MOST_SHOWN = 200
"""Characters of a text from elsewhere that stand in a log line or an error."""


def shown(text: object) -> str:
    """A text from elsewhere, fit for one line: control characters are escaped, and what is too long is cut."""
    plain = str(text)
    line = repr(plain[:MOST_SHOWN])[1:-1]
    return line if len(plain) <= MOST_SHOWN else f"{line}… ({len(plain)} characters)"


def unreadable(error: Exception) -> NoAnswer:
    """What a call ends with whose answer can't be read, whatever was raised over it."""
    if isinstance(error, NoAnswer):
        return error
    found = NoAnswer(f"{type(error).__name__}: {shown(error)}")
    found.__cause__ = error
    return found


def quoted(value: object) -> str:
    """A value that a caller has passed, as an error shows it: by its repr, cut, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # a number of more than 4,300 digits, an object of the caller's own
        return f"a {type(value).__name__} that can't be shown"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text)} characters)"
