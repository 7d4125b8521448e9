"""Filters of `$all`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import regex

from fastapi_esdb.embedded.store.dotnet_regex import PatternRefused, translated
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter

Matches = Callable[[str, str], bool]
"""Return whether a record of this stream and type matches. Raises InvalidArgument if the regex takes too long."""

TIME_LIMIT = 0.02
"""Seconds of processor time that a regex may take for one name. A real server lets it block reads for ever."""

MAX_PREFIXES = 1000

MAX_TOLD = 200
"""Characters of a pattern or a name that an error shows."""


@lru_cache(maxsize=256)
def compile_filter(event_filter: EventFilter) -> Matches:
    """Return the test of a filter. A regex takes precedence over prefixes, and no prefixes match nothing.

    Raises InvalidArgument for a regex that is none of .NET's, or is too large, and for more than `MAX_PREFIXES`.
    """
    wanted = _by_regex(event_filter.regex) if event_filter.regex else _by_prefixes(event_filter.prefixes)
    if event_filter.by_stream:
        return lambda stream, _: wanted(stream)
    return lambda _, event_type: wanted(event_type)


def _by_regex(pattern: str) -> Callable[[str], bool]:
    try:
        search = regex.compile(translated(pattern), regex.VERSION1).search
    except (PatternRefused, regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise InvalidArgument(
            f"the filter's regex {_cut(pattern)} is not valid: {error}. Servers take the regular expressions of .NET"
        ) from error

    @lru_cache(maxsize=256)  # most records are of few types, and many of few streams
    def matches(text: str) -> bool:
        try:
            return search(text, timeout=TIME_LIMIT) is not None
        except TimeoutError:
            raise InvalidArgument(
                f"the filter's regex {_cut(pattern)} takes more than {TIME_LIMIT:g} s for the name {_cut(text)}: "
                "write it so that there is one way to match a text, without a repetition within a repetition"
            ) from None

    return matches


def _by_prefixes(prefixes: tuple[str, ...]) -> Callable[[str], bool]:
    if len(prefixes) > MAX_PREFIXES:
        raise InvalidArgument(f"the filter has {len(prefixes)} prefixes: it may have {MAX_PREFIXES}")
    return lambda text: text.startswith(prefixes)


def _cut(text: str) -> str:
    """Return the text as an error shows it, so that it fits into a header."""
    return repr(text) if len(text) <= MAX_TOLD else f"{text[:MAX_TOLD]!r}…"
