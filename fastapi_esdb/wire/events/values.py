"""Events, before they are appended and as they are stored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi_esdb.wire.codec.lazy import Lazy
from fastapi_esdb.wire.events.content import JSON, parsed
from fastapi_esdb.wire.positions import Position

LINK_TYPE = "$>"
"""The type of an event whose data, `revision@stream`, points at another event."""

TOMBSTONE_TYPE = "$streamDeleted"
"""The type of the last event of a stream that has a tombstone."""


@dataclass(frozen=True, slots=True)
class ProposedEvent:
    """An event to be appended; its data and metadata are bytes already."""

    id: UUID
    type: str
    data: bytes = b""
    metadata: bytes = b""
    content_type: str = JSON

    @property
    def id_text(self) -> bytes:
        """The text of its id, as requests have it."""
        return str(self.id).encode()

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

    `revision` counts from 0 within `stream`. `created` is aware, in UTC. `position` is `None` if the server is too old
    to send it. With links resolved, `link` is the link event through which this one was found; a link whose target is
    gone stands for itself, see `is_unresolved_link`. `retry_count` says how often a persistent subscription has
    delivered the event before. If the server has filled a field with something that can't be read, using the field
    raises `NoAnswer`.
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
        """Return the data parsed as JSON. Raises `json.JSONDecodeError` if it is not JSON, or nested too deeply."""
        return parsed(self.data)

    def json_metadata(self) -> Any:
        """Return the metadata parsed as JSON, or `None` if there is none."""
        return parsed(self.metadata) if self.metadata else None

    @property
    def original(self) -> RecordedEvent:
        """The event in the stream that was read: the link, if there is one, otherwise this event.

        Reading continues from its revision and position, and its id is the one to acknowledge.
        """
        return self.link or self

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        from fastapi_esdb.wire.events.json_forms import recorded_schema  # noqa: PLC0415 - pydantic is not for everybody

        return recorded_schema(cls, handler)

    @property
    def is_unresolved_link(self) -> bool:
        """True for a link that should be resolved but whose target is deleted, truncated or never existed."""
        link = self.link
        return link is not None and (link.stream, link.revision) == (self.stream, self.revision)


INDEX_PREFIX = "$idx-"
"""Servers from 25.1 on read a secondary index where a filter has its name in place of a prefix (protocol 2.6)."""

INDEX_NAME = re.compile(r"[a-z0-9_-]+")
"""The names that an index of a user and its field can have."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter of `$all`: by event type or by stream name, by prefixes or by a regular expression.

    Give either `prefixes` or `regex` (a .NET regular expression, which matches anywhere unless it is anchored); `regex`
    takes precedence. The server looks at the stored record, so at a link and not at its target. It searches at most
    `window` records before it finishes a page (`None`: its own 32 records), and a subscription gets a checkpoint
    every `checkpoint_interval` windows.
    """

    by_stream: bool = False
    prefixes: tuple[str, ...] = ()
    regex: str = ""
    window: int | None = 32
    checkpoint_interval: int = 1

    @property
    def index(self) -> str | None:
        """The name of the secondary index that it stands for, `None` if it is a filter."""
        if not self.by_stream or self.regex:
            return None
        return next((prefix for prefix in self.prefixes if prefix.startswith(INDEX_PREFIX)), None)


@dataclass(frozen=True, slots=True, repr=False)
class IndexFilter(EventFilter):
    """The events of a secondary index. `instead` is the filter for servers that do not have it, if there is one."""

    instead: EventFilter | None = None

    def __repr__(self) -> str:
        if self.instead is None:
            return f"IndexFilter(index={self.index!r})"
        kind = "streams" if self.instead.by_stream else "types"
        return f"IndexFilter(index={self.index!r}, where there is none: {kind} like {self.instead.regex!r})"
