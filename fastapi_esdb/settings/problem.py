"""The one form of all complaints about a connection string."""

from __future__ import annotations

from fastapi_esdb.errors import InvalidConnectionString


def problem(part: str, wrong: str) -> InvalidConnectionString:
    """The error to raise for `part`. Neither text may repeat the input: a password can stand in any wrong place."""
    return InvalidConnectionString(f"connection string, {part}: {wrong}")
