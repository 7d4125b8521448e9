"""Answers that can't be read, and texts and values from elsewhere in log lines and errors."""

from __future__ import annotations

from fastapi_esdb.wire.errors.network import NoAnswer

MOST_SHOWN = 200
"""Characters of a text from elsewhere that a log line or an error shows at most."""


def shown(text: object) -> str:
    """Return a text from elsewhere fit for a line: control characters are escaped, and a long text is cut."""
    plain = str(text)
    line = repr(plain[:MOST_SHOWN])[1:-1]
    return line if len(plain) <= MOST_SHOWN else f"{line}… ({len(plain)} characters)"


def unreadable(error: Exception) -> NoAnswer:
    """Return the error of a call whose answer can't be read, made from the exception that reading it raised."""
    if isinstance(error, NoAnswer):
        return error
    found = NoAnswer(f"{type(error).__name__}: {shown(error)}")
    found.__cause__ = error
    return found


def quoted(value: object) -> str:
    """Return a value that a caller has passed as an error shows it: by its repr, cut if it is long."""
    try:
        text = repr(value)
    except Exception:  # a number of more than 4,300 digits, an object of the caller's own
        return f"a {type(value).__name__} that can't be shown"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text)} characters)"
