"""Settings that a group can't have."""

from __future__ import annotations

from dataclasses import fields

from fastapi_esdb.embedded.groups.strategies import is_known
from fastapi_esdb.wire.groups.values import GroupSettings

BATCH_TOO_LARGE = (
    "Specified argument was out of the range of valid values. "
    "(Parameter 'ReadBatchSize may not be greater than or equal to BufferSize')"
)
"""The text of a server, in a trailer, if a batch does not fit into the history buffer."""


def problem_of_strategy(settings: GroupSettings) -> str | None:
    """Return a server's text about a wrong name of a strategy, or `None` if the name is right."""
    return None if is_known(settings.strategy) else f"Consumer strategy {settings.strategy} does not exist."


def problem_of_numbers(settings: GroupSettings) -> str | None:
    """Return a server's text about wrong numbers, or `None` if they are right."""
    numbers = {field.name: getattr(settings, field.name) for field in fields(settings) if field.type == "int"}
    negative = next((name for name, value in numbers.items() if value < 0), None)
    if negative:
        return f"{negative} is {numbers[negative]} and must be 0 or more."
    return BATCH_TOO_LARGE if settings.read_batch_size >= settings.history_buffer_size else None
