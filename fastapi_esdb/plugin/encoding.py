"""Events as browsers are sent them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi.sse import ServerSentEvent, format_sse_event
from pydantic_core import to_json

from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent

Encode = Callable[[RecordedEvent], ServerSentEvent | None]


def sent(event: RecordedEvent) -> ServerSentEvent:
    """An event as it is sent unless the endpoint has a way of its own: its type, and its data as it is stored.

    Data that is not JSON is encoded in base 64.
    """
    data = event.data.decode(errors="replace") if event.content_type == JSON else b64encode(event.data).decode()
    return ServerSentEvent(event=" ".join(event.type.splitlines()), raw_data=data)


def data_of(event: ServerSentEvent) -> str | None:
    """The data of a server-sent event as a text."""
    if event.raw_data is None and event.data is not None:
        return to_json(event.data).decode()
    return event.raw_data


@dataclass(frozen=True)
class Shown:
    """An event as all listeners get it."""

    id: str
    event: ServerSentEvent | None
    """What is sent, `None` for an event that is left out."""

    @cached_property
    def as_sse(self) -> bytes:
        """The bytes of the server-sent event."""
        if (event := self.event) is None:
            return b""
        return format_sse_event(
            data_str=data_of(event), event=event.event, id=event.id or self.id, retry=event.retry, comment=event.comment
        )

    @cached_property
    def as_json(self) -> str:
        """The text for a WebSocket: an object with `id`, `event` and `data`, the data as JSON where they are any."""
        if (event := self.event) is None:
            return ""
        return to_json({"id": event.id or self.id, "event": event.event, "data": _parsed(data_of(event))}).decode()


def _parsed(data: str | None) -> Any:
    try:
        return json.loads(data or "null")
    except ValueError:
        return data
