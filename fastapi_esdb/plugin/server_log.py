"""The log under uvicorn, which by itself shows its own lines and no others."""

from __future__ import annotations

import logging

OURS, SERVERS = logging.getLogger("fastapi_esdb"), logging.getLogger("uvicorn.error")


class ShownByServer(logging.Handler):
    """Has the server show our lines as its own, for as long as the app says nothing about logging."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, unless it goes elsewhere."""
        if OURS.handlers == [self] and not logging.getLogger().handlers:
            SERVERS.handle(record)


def show_lines_under_uvicorn() -> None:
    """Have uvicorn show our lines, from its own level on, unless the app has configured logging."""
    is_configured = OURS.handlers or OURS.level != logging.NOTSET or logging.getLogger().handlers
    if SERVERS.hasHandlers() and not is_configured:
        OURS.addHandler(ShownByServer())
        OURS.setLevel(SERVERS.getEffectiveLevel())
