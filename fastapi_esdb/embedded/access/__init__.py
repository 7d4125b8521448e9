"""Callers, and what they may do."""

from fastapi_esdb.embedded.access.access import Access, Right
from fastapi_esdb.embedded.access.caller import ADMINISTRATOR, ANONYMOUS, Caller, Rank

__all__ = ["ADMINISTRATOR", "ANONYMOUS", "Access", "Caller", "Rank", "Right"]
