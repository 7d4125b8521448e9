"""An event from a server is like one that was made here, although its fields are read when they are asked for."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, fields, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.methods import READ

MADE = RecordedEvent(
    UUID("00112233-4455-6677-8899-aabbccddeeff"),
    "a",
    3,
    "T",
    b'{"n":1}',
    b'{"m":2}',
    JSON,
    datetime(2023, 11, 14, 22, 13, 20, 123456, UTC),
    Position(8, 7),
)


def received() -> RecordedEvent:
    """The same event as a server sends it, with none of its fields read."""
    frame = READ.response.decode(pb.ReadResp.FromString(READ.response.encode(MADE).SerializeToString()))
    assert isinstance(frame, RecordedEvent)
    return frame


ALIKE: dict[str, Callable[[RecordedEvent], Any]] = {
    "itself": lambda event: event,
    "repr": repr,
    "hash": hash,
    "dict": asdict,
    "replaced": lambda event: replace(event, link=MADE, retry_count=2),
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
    "pickled": lambda event: pickle.loads(pickle.dumps(event)),
    "json": lambda event: (event.json(), event.json_metadata()),
    "original": lambda event: (event.original, event.is_unresolved_link),
}


@pytest.mark.parametrize("use", ALIKE.values(), ids=ALIKE)
def test_it_is_like_one_that_was_made(use: Callable[[RecordedEvent], Any]) -> None:
    """Whatever is done first with it."""
    assert use(received()) == use(MADE)


@pytest.mark.parametrize("name", [field.name for field in fields(RecordedEvent)])
def test_each_field_is_read_once(name: str) -> None:
    """By itself, and kept."""
    event = received()
    assert getattr(event, name) == getattr(MADE, name)
    assert getattr(event, name) is getattr(event, name)


@pytest.mark.parametrize("event", [MADE, received()], ids=["made", "received"])
@pytest.mark.parametrize("name", ["nonsense", "_nonsense", "__nonsense__"])
def test_there_are_no_other_attributes(event: RecordedEvent, name: str) -> None:
    """A mistake in a name is told as such."""
    with pytest.raises(AttributeError, match=name):
        getattr(event, name)


def test_it_cannot_be_changed() -> None:
    """Neither before a field was read nor after it."""
    event = received()
    for _ in range(2):
        with pytest.raises(FrozenInstanceError):
            event.revision = 5  # type: ignore[misc]  # that is the point
        assert event.revision == 3
