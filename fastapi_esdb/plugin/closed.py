"""What endpoints answer while the connection is closed by command."""

from __future__ import annotations

from fastapi import HTTPException

RETRY_AFTER = "1"
"""Seconds that a caller is asked to wait while there is no connection: two rounds of the default retry interval."""


class ClosedByCommand(HTTPException):
    """503 with `Retry-After`, also in apps that handle none of our errors: the app itself asked for the close."""

    def __init__(self, pool: str) -> None:
        self.pool = pool
        super().__init__(503, "the connection to EventStoreDB is closed", {"Retry-After": RETRY_AFTER})
