"""The version of an event's data: where it is kept, so that any client can read it."""

from __future__ import annotations

import json
from typing import Any

VERSION_KEY = "schemaVersion"
"""The key of the metadata that holds the version, a whole number from 1 on. An event without it is of version 1."""


def with_version(metadata: Any, version: int) -> Any:
    """Return metadata that says the version, which version 1 need not."""
    return metadata if version == 1 else {**(metadata or {}), VERSION_KEY: version}


def version_of(metadata: bytes) -> int:
    """Return the version that metadata says: 1 where it says none, or nothing that could be one."""
    if not metadata:
        return 1
    try:
        found = json.loads(metadata)
        version = found.get(VERSION_KEY, 1)
        return max(1, int(version))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return 1
