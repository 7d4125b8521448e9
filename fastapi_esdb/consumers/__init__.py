"""Consumers: handlers of events that are kept going, in an app or beside it.

from fastapi_esdb.consumers import category

@esdb.consumer("mailer", category("order"), types=events)
async def send_mail(event: Event[OrderPlaced], mails: MailerDep) -> None: ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi_esdb.consumers.checkpoints import (
    CheckpointMoved,
    CheckpointStore,
    ConsumerBehind,
    InMemory,
    InStream,
    NotHandledHere,
)
from fastapi_esdb.consumers.dead_letters import DeadLetter, DeadLetters
from fastapi_esdb.consumers.outcomes import Park, Retry, Skip, Stop, To, to
from fastapi_esdb.consumers.sources import all_events, category, group, stream
from fastapi_esdb.consumers.status import ConsumerState, ConsumerStatus

if TYPE_CHECKING:
    from fastapi_esdb.consumers.runner import consuming

__all__ = [
    "CheckpointMoved",
    "CheckpointStore",
    "ConsumerBehind",
    "ConsumerState",
    "ConsumerStatus",
    "DeadLetter",
    "DeadLetters",
    "InMemory",
    "InStream",
    "NotHandledHere",
    "Park",
    "Retry",
    "Skip",
    "Stop",
    "To",
    "all_events",
    "category",
    "consuming",
    "group",
    "stream",
    "to",
]


def __getattr__(name: str) -> Any:
    """Load what runs consumers when it is asked for: an app does when it starts."""
    if name != "consuming":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fastapi_esdb.consumers.runner import consuming  # noqa: PLC0415

    return consuming
