"""How appends travel."""

from __future__ import annotations

from enum import StrEnum


class AppendMode(StrEnum):
    """How the appends of all callers of a pool travel to the server. What each gives up: docs/concepts/appends.md."""

    SHARED = "shared"
    """Over one BatchAppend call that stays open, each with an answer of its own."""
    GROUPED = "grouped"
    """Those that wait while an AppendRecords call is in flight go together in the next."""
    SINGLE = "single"
    """Each in an Append call of its own."""
