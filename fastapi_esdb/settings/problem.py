"""The one form of all complaints about a connection string, and how they leave without what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import clear_frames

from fastapi_esdb.errors import InvalidConnectionString


def problem(part: str, wrong: str) -> InvalidConnectionString:
    """The error to raise for `part`. Neither text may repeat the input: a password can stand in any wrong place."""
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
