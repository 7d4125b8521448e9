"""What is appended is what is read, whatever it holds."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NotRequired
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from fastapi_esdb.events.event_types import EventTypes
from tests.events.test_reading import recorded

types = EventTypes()


class Size(Enum):
    """An enum."""

    SMALL = "S"
    LARGE = "L"


class Part(BaseModel):
    """A model within others."""

    name: str
    sizes: set[Size] = set()


@types("Model", version=1)
class Model(BaseModel):
    """A model of many kinds of fields."""

    n: int
    ratio: float = Field(alias="theRatio")
    price: Decimal
    at: datetime
    day: date | None
    key: UUID
    parts: list[Part]
    notes: dict[str, int | str]


@types("Record")
@dataclass
class Record:
    """A dataclass of many kinds of fields."""

    n: int
    size: Size
    price: Decimal
    at: datetime
    part: Part
    pairs: tuple[tuple[str, int], ...] = ()
    tags: frozenset[str] = field(default_factory=frozenset)


@types("Entry")
class Entry(TypedDict):
    """A TypedDict, with a key that may be missing."""

    n: int
    at: datetime
    note: NotRequired[str]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
WHOLE = st.integers(-(2**53), 2**53)
PRICES = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9)
TIMES = st.datetimes(timezones=st.just(UTC))
RATIOS = st.floats(allow_nan=False, allow_infinity=False)
PARTS = st.builds(Part, name=TEXTS, sizes=st.sets(st.sampled_from(Size)))
MODELS = st.builds(
    Model,
    n=WHOLE,
    theRatio=RATIOS,
    price=PRICES,
    at=TIMES,
    day=st.none() | st.dates(),
    key=st.uuids(),
    parts=st.lists(PARTS, max_size=3),
    notes=st.dictionaries(TEXTS, WHOLE | TEXTS, max_size=3),
)
RECORDS = st.builds(
    Record,
    n=WHOLE,
    size=st.sampled_from(Size),
    price=PRICES,
    at=TIMES,
    part=PARTS,
    pairs=st.lists(st.tuples(TEXTS, WHOLE), max_size=3).map(tuple),
    tags=st.frozensets(TEXTS, max_size=3),
)
ENTRIES: st.SearchStrategy[Entry] = st.fixed_dictionaries(  # type: ignore[assignment]  # a dict with these keys
    {"n": WHOLE, "at": TIMES}, optional={"note": TEXTS}
)


@given(MODELS | RECORDS)
def test_objects_come_back(value: Model | Record) -> None:
    """Pydantic models and dataclasses."""
    event = types.new(value)
    assert types.decode(recorded(event.type, event.data)).data == value


@given(ENTRIES)
def test_typed_dicts_come_back(value: Entry) -> None:
    """With and without the keys that may be missing."""
    event = types.new(Entry, value)
    assert types.decode(recorded(event.type, event.data)).data == value


METADATA = st.dictionaries(
    st.text(string.ascii_letters, min_size=1, max_size=10), st.none() | WHOLE | TEXTS, max_size=4
)


@types("Third", version=3)
class Third(BaseModel):
    """Each version adds to a number, so that what has been done shows."""

    n: int


@types.upcast(Third, since=1)
def second(old: dict[str, Any]) -> dict[str, Any]:
    return {"n": old["n"] + 10}


@types.upcast(Third, since=2)
def third(old: dict[str, Any]) -> dict[str, Any]:
    return {"n": old["n"] + 100}


@given(st.integers(1, 3), METADATA)
@settings(max_examples=50)
def test_each_version_goes_through_what_makes_it_newer(version: int, metadata: dict[str, Any]) -> None:
    """All of the upcasts from there on and none before, whatever else the metadata says."""
    about = metadata if version == 1 else {**metadata, "schemaVersion": version}
    added = {1: 110, 2: 100, 3: 0}[version]
    assert types.decode(recorded("Third", {"n": 1}, about)).data == Third(n=1 + added)


@given(METADATA)
def test_metadata_stays_beside_the_version(metadata: dict[str, Any]) -> None:
    """What is given comes back, with one key more."""
    event = types.new(Third(n=1), metadata=metadata)
    stored = recorded(event.type, event.data)
    object.__setattr__(stored, "metadata", event.metadata)
    assert stored.json_metadata() == {**metadata, "schemaVersion": 3}
    assert types.decode(stored).data == Third(n=1)
