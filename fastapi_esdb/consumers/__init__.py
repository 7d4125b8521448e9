"""Consumers: handlers of events that are kept going, in an app or beside it.

from fastapi_esdb.consumers import category

@esdb.consumer("mailer", category("order"), types=events)
async def send_mail(event: Event[OrderPlaced], mails: MailerDep) -> None: ...
"""

from fastapi_esdb.consumers.checkpoints import CheckpointMoved, CheckpointStore, InMemory, InStream
from fastapi_esdb.consumers.dead_letters import DeadLetter, DeadLetters
from fastapi_esdb.consumers.outcomes import Park, Retry, Skip, Stop, To, to
from fastapi_esdb.consumers.runner import consuming
from fastapi_esdb.consumers.sources import all_events, category, group, stream
from fastapi_esdb.consumers.status import ConsumerState, ConsumerStatus

__all__ = [
    "CheckpointMoved",
    "CheckpointStore",
    "ConsumerState",
    "ConsumerStatus",
    "DeadLetter",
    "DeadLetters",
    "InMemory",
    "InStream",
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
