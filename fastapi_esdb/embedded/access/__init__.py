"""Callers, and what they may do."""

from fastapi_esdb.embedded.access.access import Access
from fastapi_esdb.embedded.access.caller import ADMINISTRATOR, ANONYMOUS, Caller, Rank
from fastapi_esdb.embedded.access.rights import Right

__all__ = ["ADMINISTRATOR", "ANONYMOUS", "Access", "Caller", "Rank", "Right"]
