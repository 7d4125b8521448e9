"""Events, as they are stored and as they are on their way to the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi_esdb.wire.codec.lazy import Lazy
from fastapi_esdb.wire.events.content import JSON, parsed
from fastapi_esdb.wire.positions import Position

LINK_TYPE = "$>"
"""The type of an event whose data, `revision@stream`, points at another event."""


@dataclass(frozen=True, slots=True)
class ProposedEvent:
    """An event on its way to the server, its data and metadata already bytes."""

    id: UUID
    type: str
    data: bytes = b""
    metadata: bytes = b""
    content_type: str = JSON

    def mark_sent(self) -> bool:
        """Note that it is being sent; whether no server can know its id, which is random and has not left before."""
        return False

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        from fastapi_esdb.wire.events.json_forms import proposed_schema  # noqa: PLC0415 - pydantic is not for everybody

        return proposed_schema(cls, handler)


@dataclass(frozen=True, slots=True, repr=False)
class RecordedEvent(Lazy):
    """An event as the server stored it.

    `revision` counts from 0 within `stream`; `created` is aware, in UTC; `position` is `None` where an old
    server does not tell it. With links resolved, `link` is the link event through which this one was found.
    A field that the server has filled with what can't be read raises `NoAnswer` when it is asked for.
    A link whose target is gone is given as itself: see `is_unresolved_link`. `retry_count` is for events of a consumer
    group: how often it was delivered before.
    """

    id: UUID
    stream: str
    revision: int
    type: str
    data: bytes
    metadata: bytes
    content_type: str
    created: datetime
    position: Position | None = None
    link: RecordedEvent | None = field(default=None, repr=False)
    retry_count: int | None = None

    def json(self) -> Any:
        """The data parsed as JSON; raises `json.JSONDecodeError` where it is something else, or nested too deeply."""
        return parsed(self.data)

    def json_metadata(self) -> Any:
        """The metadata parsed as JSON, `None` where there is none."""
        return parsed(self.metadata) if self.metadata else None

    @property
    def original(self) -> RecordedEvent:
        """What the stream that was read really holds: the link where there is one, else this event.

        Its revision and position are the ones to go on from, and its id is the one to acknowledge.
        """
        return self.link or self

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        from fastapi_esdb.wire.events.json_forms import recorded_schema  # noqa: PLC0415 - pydantic is not for everybody

        return recorded_schema(cls, handler)

    @property
    def is_unresolved_link(self) -> bool:
        """Whether links were to be resolved and the target of this one is deleted, truncated or never was."""
        link = self.link
        return link is not None and (link.stream, link.revision) == (self.stream, self.revision)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events of `$all` a server lets through: by event type or by stream name, by prefixes or by a regex.

    Give either `prefixes` or `regex` (a .NET regular expression, found anywhere unless anchored); a regex wins.
    It is the stored record that is looked at: a link, not its target. `window` bounds how many records the
    server searches before it finishes a page; `checkpoint_interval` is how many windows lie between two
    checkpoints of a subscription (`None` window: the server's 32 records).
    """

    by_stream: bool = False
    prefixes: tuple[str, ...] = ()
    regex: str = ""
    window: int | None = 32
    checkpoint_interval: int = 1
