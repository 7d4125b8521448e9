"""Filters of `$all`: which records a reader wants."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.requests import EventFilter

Matches = Callable[[str, str], bool]
"""Whether a record of this stream and type is wanted."""


@lru_cache(maxsize=256)
def compile_filter(event_filter: EventFilter) -> Matches:
    """The test that a filter describes; a regex goes before prefixes, and no prefixes match nothing.

    Servers take .NET's regular expressions; what these and Python's have in common is what can be used here.
    Raises InvalidArgument for a regex that is none.
    """
    wanted = _by_regex(event_filter.regex) if event_filter.regex else _by_prefixes(event_filter.prefixes)
    if event_filter.by_stream:
        return lambda stream, _: wanted(stream)
    return lambda _, event_type: wanted(event_type)


def _by_regex(regex: str) -> Callable[[str], bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd in a pattern is the client's matter
            search = re.compile(regex).search
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidArgument(f"the filter's regex {regex!r} is not valid: {error}") from error
    return lambda text: search(text) is not None


def _by_prefixes(prefixes: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda text: text.startswith(prefixes)
