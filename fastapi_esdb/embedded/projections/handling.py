"""The consequences of handling an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi_esdb.embedded.projections.events import SourceEvent
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM


@dataclass(frozen=True, slots=True)
class Emitted:
    """An event for a projection to write.

    With `links_last_of` its data is a link to the event that is the last one of that stream when this one is written.
    """

    stream: str
    type: str
    data: str = ""
    is_json: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    links_last_of: str = ""

    @property
    def content_type(self) -> str:
        return JSON if self.is_json else OCTET_STREAM


@dataclass(frozen=True, slots=True)
class Handled:
    """The consequences of an event: the events that its handler emitted, and the results of its new state."""

    event: SourceEvent
    emitted: Sequence[Emitted] = ()
    results: Sequence[Emitted] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """As many events as were handled, and why the next one was not, if it failed."""

    handled: Sequence[Handled]
    failure: str | None = None
