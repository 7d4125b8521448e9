"""The names that a server gives a meaning to."""

from __future__ import annotations

import re

ALL = "$all"
"""The log of all events; a name to read from and never one to write to."""

METADATA_TYPE = "$metadata"
TOMBSTONE_TYPE = "$streamDeleted"

FILLER = ""
"""The stream of the records that an append without events leaves in the log: no stream can have this name."""

METASTREAM_PREFIX = "$$"

_HIDDEN = re.compile(r"\$epoch-information|\$persistentsubscription-\$all::.*-(checkpoint|parked)", re.DOTALL)


def is_metastream(stream: str) -> bool:
    """Whether this is the stream of another stream's metadata."""
    return stream.startswith(METASTREAM_PREFIX)


def metastream_of(stream: str) -> str:
    """The stream that holds the metadata of this one."""
    return METASTREAM_PREFIX + stream


def original_of(metastream: str) -> str:
    """The stream whose metadata this metastream holds."""
    return metastream.removeprefix(METASTREAM_PREFIX)


def is_hidden(stream: str) -> bool:
    """Whether `$all` never shows the records of this stream: a server's own bookkeeping (protocol 2.6)."""
    return stream == FILLER or _HIDDEN.fullmatch(stream) is not None
