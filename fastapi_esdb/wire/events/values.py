"""What EventStoreDB stores and how it is addressed: events, positions, expected revisions."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi_esdb.wire.codec.lazy import Lazy
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted

JSON = "application/json"
OCTET_STREAM = "application/octet-stream"

LINK_TYPE = "$>"
"""The type of an event whose data, `revision@stream`, points at another event."""

_POSITION = re.compile("C:([0-9]{1,20})/P:([0-9]{1,20})")

MAX_REVISION = 2**63 - 1
"""The largest revision a server accepts: it keeps revisions as signed 64-bit numbers."""


class StreamState(enum.Enum):
    """What an append may expect of a stream beside an exact revision.

    The values are the numbers that the server uses for them in its trailers and in the v2 API.
    """

    NO_STREAM = -1
    ANY = -2
    STREAM_EXISTS = -4

    def __repr__(self) -> str:
        return self.name


ANY = StreamState.ANY
NO_STREAM = StreamState.NO_STREAM
STREAM_EXISTS = StreamState.STREAM_EXISTS

Expected = int | StreamState
"""An expected revision: the number of the stream's last event, or a `StreamState`."""


class Edge(enum.Enum):
    """The two ends of a stream or of `$all`, as a place to read or subscribe from."""

    START = "start"
    END = "end"

    def __repr__(self) -> str:
        return self.name


START = Edge.START
END = Edge.END


class Direction(enum.Enum):
    FORWARDS = "forwards"
    BACKWARDS = "backwards"

    def __repr__(self) -> str:
        return self.name


FORWARDS = Direction.FORWARDS
BACKWARDS = Direction.BACKWARDS


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log of all events; both numbers are equal except for records of old explicit transactions.

    `str(position)` is the text that servers and other clients write, `C:1788/P:1788`, and `Position.parse` reads it.
    """

    commit: int
    prepare: int

    def __str__(self) -> str:
        return f"C:{self.commit}/P:{self.prepare}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that a text like `C:1788/P:1788` stands for. Raises `InvalidArgument` (a ValueError)."""
        found = _POSITION.fullmatch(str(text))
        if found is None:
            raise InvalidArgument(f"a position must be a text like 'C:1788/P:1788', not {quoted(text)}")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Violation:
    """A check of an atomic append that failed; states are revisions or the protocol's negative numbers.

    -1 no stream, -2 any, -4 exists, -5 soft-deleted, -6 tombstoned.
    """

    check_index: int
    stream: str
    expected: int
    actual: int


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What a v2 server found wrong with a field of a request; `field` is empty where it is about none."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}" if self.field else self.description


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


def parsed(data: bytes) -> Any:
    """The JSON in the bytes. Raises `json.JSONDecodeError` for all that is none, and for what Python does not take.

    That is text which is not Unicode, brackets nested too deeply, and numbers of more than 4,300 digits.
    """
    try:
        return json.loads(data)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(str(error), "", 0) from error


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
