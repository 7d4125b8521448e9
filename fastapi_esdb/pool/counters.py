"""What a pool counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the pool was made."""

    calls: int = 0
    """Calls that were begun."""
    failures: int = 0
    """Calls that ended with an error."""
    retries: int = 0
    """Times a call was made again."""
    queued: int = 0
    """Times a call had to wait for a connection or for a place on one."""
    connects: int = 0
    """Connections that were made."""
    disconnects: int = 0
    """Connections that were lost or closed."""
    extra: int = 0
    """Connections that were opened because the others were full."""
    requests_failed: int = 0
    """Requests of the app that `add_error_handlers` answered with a status of 500 or above."""

    def totals(self) -> dict[str, int | float]:
        """The counters by name, each with `_total` behind."""
        return {f"{name}_total": value for name, value in asdict(self).items()}
