"""The names that have a meaning for a server."""

from __future__ import annotations

import re
from collections.abc import Iterator

ALL = "$all"
"""The log of all events; a name to read from and never one to write to."""

SETTINGS = "$settings"
"""The stream whose last event has the access lists of all streams that have none of their own."""

METADATA_TYPE = "$metadata"

FILLER = ""
"""The stream of the records that an append without events leaves in the log: no stream can have this name."""

METASTREAM_PREFIX = "$$"

MAX_METASTREAMS = 16
MAX_NAME = 4096
MAX_SYSTEM_NAME = 2 * MAX_NAME
"""The maximum length of a stream's name, in bytes of UTF-8, without the prefix of metastreams. Names of the server
contain the names of others. Errors have names in headers, which have room for 8 KiB."""

SHORT_NAME = MAX_NAME // 4
"""Characters that are few enough, whatever they are."""

_HIDDEN = re.compile(r"\$epoch-information|\$persistentsubscription-\$all::.*-(checkpoint|parked)", re.DOTALL)


def is_metastream(stream: str) -> bool:
    """Return whether this is the stream with the metadata of another stream."""
    return stream.startswith(METASTREAM_PREFIX)


def metastream_of(stream: str) -> str:
    """Return the stream with the metadata of this one."""
    return METASTREAM_PREFIX + stream


def original_of(metastream: str) -> str:
    """Return the stream whose metadata this metastream has."""
    return metastream.removeprefix(METASTREAM_PREFIX)


def originals_of(stream: str) -> Iterator[str]:
    """The stream; of a metastream also the stream whose metadata it holds, and so on: there may be metadata of those.

    As far as `MAX_METASTREAMS` go, which is farther than any stream's name.
    """
    yield stream
    for _ in range(min(_metastreams(stream), MAX_METASTREAMS)):
        stream = original_of(stream)
        yield stream


def innermost_of(stream: str) -> str:
    """Return the stream behind all metastreams."""
    return stream[len(METASTREAM_PREFIX) * _metastreams(stream) :]


def problem_of(stream: str) -> str | None:
    """Return the reason why no stream can have this name, or `None` if one can."""
    if 0 < len(stream) <= SHORT_NAME and not stream.startswith("$"):
        return None
    if stream in ("", METASTREAM_PREFIX):
        return "is empty: give it at least one character"
    if _metastreams(stream) > MAX_METASTREAMS:
        return f"begins with more than {MAX_METASTREAMS} times `$$`: metadata of metadata goes no deeper"
    innermost = innermost_of(stream)
    longest = MAX_SYSTEM_NAME if innermost.startswith("$") else MAX_NAME
    size = len(innermost.encode(errors="replace"))
    return f"has {size} bytes as UTF-8: it may have {longest}" if size > longest else None


def _metastreams(stream: str) -> int:
    """Return how many times a name begins with the prefix of metastreams."""
    return (len(stream) - len(stream.lstrip("$"))) // len(METASTREAM_PREFIX)


def is_hidden(stream: str) -> bool:
    """Return whether `$all` never shows the records of this stream, which are for the server itself (protocol 2.6)."""
    return stream == FILLER or _HIDDEN.fullmatch(stream) is not None
