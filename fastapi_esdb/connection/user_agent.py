"""What this client calls itself."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def user_agent() -> str:
    """Return name and version."""
    try:
        return f"fastapi-esdb/{version('fastapi-esdb')}"
    except PackageNotFoundError:
        return "fastapi-esdb/0"
