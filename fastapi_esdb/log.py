"""The log: each line has the name of an event, and what it tells once more as fields, for programs."""

from __future__ import annotations

import logging
import sys

_logger = logging.getLogger("fastapi_esdb")

PREFIX = "esdb_"
"""The attributes of a record that are ours begin with this: `esdb_event`, and the fields of the event."""

_AS_THEY_ARE = (str, int, float, type(None))


class EventLog:
    """Logs events: the stable name of each, a text for people, and fields, which JSON can hold."""

    def debug(self, event: str, text: str, /, *, trace: BaseException | None = None, **fields: object) -> None:
        """Log what is of interest to those who look for a fault."""
        self._log(logging.DEBUG, event, text, trace, fields)

    def info(self, event: str, text: str, /, **fields: object) -> None:
        """Log what happens now and then."""
        self._log(logging.INFO, event, text, None, fields)

    def warning(self, event: str, text: str, /, *, trace: BaseException | None = None, **fields: object) -> None:
        """Log what somebody should know of."""
        self._log(logging.WARNING, event, text, trace, fields)

    def error(self, event: str, text: str, /, *, trace: BaseException | None = None, **fields: object) -> None:
        """Log what somebody has to do something about."""
        self._log(logging.ERROR, event, text, trace, fields)

    def exception(self, event: str, text: str, /, **fields: object) -> None:
        """Log the exception that is being handled, with its traceback."""
        self._log(logging.ERROR, event, text, sys.exception(), fields)

    def at(self, level: int, event: str, text: str, /, **fields: object) -> None:
        """Log at a level that depends."""
        self._log(level, event, text, None, fields)

    def _log(self, level: int, event: str, text: str, trace: BaseException | None, fields: dict[str, object]) -> None:
        if not _logger.isEnabledFor(level):
            return
        extra: dict[str, object] = {f"{PREFIX}event": event}
        for name, value in fields.items():
            extra[PREFIX + name] = value if isinstance(value, _AS_THEY_ARE) else str(value)
        _logger.log(level, text, exc_info=trace, extra=extra, stacklevel=3)


log = EventLog()
