"""Events as users make them."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import pickle
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from pydantic import BaseModel

from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent

ID = UUID("0d4e6c0a-9df3-4cf0-9b1e-1f2a3b4c5d6e")


class Order(BaseModel):
    number: int
    label: str


def test_what_json_can_hold_is_written_as_json() -> None:
    """Compact UTF-8, the content type that servers know as JSON."""
    event = NewEvent("OrderPlaced", {"label": "Käse", "lines": [1, None, True]})
    assert event.data == '{"label":"Käse","lines":[1,null,true]}'.encode()
    assert event.content_type == JSON


def test_a_pydantic_model_is_written_as_json() -> None:
    """By its own rules."""
    event = NewEvent("OrderPlaced", Order(number=1, label="x"), Order(number=2, label="y"))
    assert json.loads(event.data) == {"number": 1, "label": "x"}
    assert json.loads(event.metadata) == {"number": 2, "label": "y"}


@pytest.mark.parametrize("data", [b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")])
def test_bytes_are_sent_as_they_are(data: Any) -> None:
    """They are no JSON unless the caller says so."""
    event = NewEvent("Photo", data)
    assert (event.data, event.content_type) == (b"\x00\xff", OCTET_STREAM)


def test_bytes_may_be_json() -> None:
    """Whoever encodes by themselves says so; servers do not look into it, and neither do we."""
    event = NewEvent("OrderPlaced", b"{not json", content_type=JSON)
    assert (event.data, event.content_type) == (b"{not json", JSON)


def test_metadata_is_encoded_like_data() -> None:
    """It may be left out, be JSON, or bytes."""
    assert NewEvent("T", {}).metadata == b""
    assert NewEvent("T", {}, {"$correlationId": "c"}).metadata == b'{"$correlationId":"c"}'
    assert NewEvent("T", {}, b"raw").metadata == b"raw"


def test_the_id_is_made_with_the_event() -> None:
    """So that appending it again sends the same id; two events never share one."""
    event = NewEvent("T", {})
    assert event.id == event.id
    assert event.id != NewEvent("T", {}).id
    assert event.id.version == 4


def test_a_random_id_is_a_uuid_of_version_4() -> None:
    """As many ids as events, and each says by its bits that it is random."""
    ids = [NewEvent("OrderPlaced", {}).id for _ in range(1_000)]
    assert {(one.version, one.variant) for one in ids} == {(4, RFC_4122)}
    assert len(set(ids)) == len(ids)
    digits = [str(one).replace("-", "") for one in ids]
    assert all(len({text[place] for text in digits}) > 1 for place in range(32) if place != 12)


def test_the_text_of_an_id_is_the_ids() -> None:
    """Whichever was there first, in a copy too; an event has one id for its life."""
    for event in (NewEvent("OrderPlaced", {}), NewEvent("OrderPlaced", {}, id=ID), ProposedEvent(ID, "OrderPlaced")):
        for one in (event, copy.copy(event)):
            assert one.id_text == str(one.id).encode()
        assert event.id is event.id
    assert not hasattr(NewEvent.__new__(NewEvent), "id")


@pytest.mark.parametrize("given", [ID, str(ID)])
def test_an_id_may_be_given(given: Any) -> None:
    """As a UUID or as its text."""
    assert NewEvent("T", {}, id=given).id == ID


BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": "", "data": {}}, "type must be a text of at least one character"),
    ({"type": None, "data": {}}, "type must be a text"),
    ({"type": "T\udfff", "data": {}}, "UTF-8 cannot encode"),
    ({"type": "T", "data": {"at": object()}}, "event 'T': data cannot be written as JSON"),
    ({"type": "T", "data": math.nan}, "event 'T': data cannot be written as JSON"),
    ({"type": "T", "data": {"x": math.inf}}, "event 'T': data cannot be written as JSON"),
    ({"type": "T", "data": "\ud800"}, "event 'T': data cannot be written as JSON"),
    ({"type": "T", "data": iter([1])}, "event 'T': data cannot be written as JSON: a value of type list_iterator"),
    ({"type": "T", "data": {}, "metadata": {"x": object()}}, "event 'T': metadata cannot be written as JSON"),
    ({"type": "T", "data": {}, "id": "nonsense"}, "event 'T': id must be a UUID, not 'nonsense'"),
    ({"type": "T", "data": {}, "id": UUID(int=0)}, "event 'T': id must not be the nil UUID"),
    ({"type": "T", "data": {}, "content_type": "text/plain"}, "data of content type 'text/plain' must be bytes"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_cannot_be_an_event_is_refused(given: dict[str, Any], message: str) -> None:
    """The error names the event and the argument, before anything is sent."""
    with pytest.raises(InvalidArgument, match=message):
        NewEvent(**given)


def test_data_that_holds_itself_is_refused() -> None:
    """It would be written for ever."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidArgument, match="data cannot be written as JSON: it holds itself"):
        NewEvent("T", endless)


def test_events_are_equal_by_what_they_hold() -> None:
    """And may be kept in sets."""
    first, same = NewEvent("T", {"n": 1}, id=ID), NewEvent("T", {"n": 1}, id=ID)
    assert first == same
    assert len({first, same, NewEvent("T", {"n": 2}, id=ID)}) == 2


def test_an_event_cannot_be_changed() -> None:
    """A copy with another value can be made."""
    event = NewEvent("T", {"n": 1}, id=ID)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.type = "U"  # type: ignore[misc]  # the assignment is what is refused
    assert dataclasses.replace(event, type="U") == NewEvent("U", {"n": 1}, id=ID)


def test_an_event_can_be_copied_and_pickled() -> None:
    """With its id."""
    event = NewEvent("T", {"n": 1})
    assert copy.deepcopy(event) == event
    assert pickle.loads(pickle.dumps(event)) == event


def test_the_text_of_an_event_is_short() -> None:
    """However large its data is."""
    assert repr(NewEvent("T", {"n": 1}, id=ID)) == f"NewEvent('T', b'{{\"n\":1}}', id='{ID}')"
    assert len(repr(NewEvent("T", b"x" * 10_000_000))) < 200


def test_an_event_is_what_the_protocol_proposes() -> None:
    """It needs no further conversion on its way."""
    event: ProposedEvent = NewEvent("T", {}, id=ID)
    assert (event.id, event.type) == (ID, "T")
