"""What JSON has no type for, in the data of events: encoded as FastAPI encodes it."""

from __future__ import annotations

import json
import re
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from ipaddress import ip_address, ip_network
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from fastapi.encoders import jsonable_encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field, SecretStr

from fastapi_esdb import InvalidArgument, NewEvent

ID = UUID("0d4e6c0a-9df3-4cf0-9b1e-1f2a3b4c5d6e")


class Color(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    YES = "yes"


class Point(NamedTuple):
    x: int
    y: int


class Line(BaseModel):
    sku: str = Field(alias="SKU")
    at: datetime
    price: Decimal


@dataclass
class Box:
    size: Decimal
    lines: list[Any] = field(default_factory=list)


LINE = Line(SKU="a", at=datetime(2026, 1, 2, tzinfo=UTC), price=Decimal("1.10"))

KNOWN: dict[str, Any] = {
    "datetime": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "datetime elsewhere": datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-3))),
    "date": date(2026, 1, 2),
    "time": time(3, 4, 5),
    "timedelta": timedelta(days=1, milliseconds=5),
    "UUID": ID,
    "Decimal": Decimal("12.50"),
    "whole Decimal": Decimal(12),
    "large Decimal": Decimal("1E+20"),
    "Enum": Color.RED,
    "IntEnum": Level.HIGH,
    "StrEnum": Word.YES,
    "set": {ID},
    "frozenset": frozenset({1}),
    "tuple": (1, Color.RED),
    "named tuple": Point(1, 2),
    "deque": deque([1, ID]),
    "bytes": b"text",
    "path": PurePosixPath("/a/b"),
    "address": ip_address("::1"),
    "network": ip_network("10.0.0.0/8"),
    "pattern": re.compile("a+"),
    "URL": AnyUrl("https://example.org/a?b=c"),
    "ordered": OrderedDict(b=1, a=2),
    "mapping": MappingProxyType({"a": ID}),
    "dataclass": Box(Decimal("1.5"), [Box(Decimal(2)), LINE]),
    "model": LINE,
    "models": [LINE, {"line": LINE}],
}


@pytest.mark.parametrize("value", KNOWN.values(), ids=KNOWN)
def test_values_are_encoded_as_fastapi_encodes_them(value: Any) -> None:
    """Wherever in the data they are. Bytes by themselves are no JSON, so they are not among those at the top."""
    for data in ({"a": [value]}, [{"a": value}], *([] if isinstance(value, bytes) else [value])):
        assert json.loads(NewEvent("T", data).data) == json.loads(json.dumps(jsonable_encoder(data)))


@pytest.mark.parametrize("key", [ID, date(2026, 1, 2), Color.RED, Level.HIGH, Word.YES, Decimal("1.5"), 1, True, None])
def test_keys_are_encoded_like_values(key: Any) -> None:
    """As a text."""
    data = {"a": [{key: {key: ID}}]}
    assert json.loads(NewEvent("T", data).data) == json.loads(json.dumps(jsonable_encoder(data)))


ENCODABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from([Color.RED, Level.HIGH, LINE])
    | st.decimals(min_value=-(10**6), max_value=10**6, places=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.uuids() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=100)
@given(ENCODABLE)
def test_generated_data_is_encoded_as_fastapi_encodes_it(data: Any) -> None:
    """However it is nested."""
    assert json.loads(NewEvent("T", {"data": data}).data) == json.loads(json.dumps(jsonable_encoder({"data": data})))


REFUSED: dict[str, tuple[Any, str]] = {
    "object": ({"a": [1, {"b": object()}]}, r"a\[1\].b: a value of type object"),
    "NaN": ({"a": {"b": float("nan")}}, "a.b: NaN and infinity are no JSON numbers"),
    "infinity in a dataclass": ({"a": Box(Decimal("Infinity"))}, "a.size: NaN and infinity are no JSON numbers"),
    "digits": ({"a": Decimal("0.12345678901234567890")}, "a: a Decimal of more digits than a JSON number keeps"),
    "secret": ({"a": SecretStr("hunter2")}, "a: a value of type SecretStr"),
    "secret in a model": (
        {"a": {"b": type("M", (BaseModel,), {"__annotations__": {"c": SecretStr}})(c="hunter2")}},
        "a.b: M.c is a SecretStr",
    ),
    "bytes": ({"a": b"\xffhunter2"}, "a: 'utf-8' codec can't decode byte 0xff"),
    "half a character": ({"a": {"b": "\ud800"}}, "a.b: 'utf-8' codec can't encode character"),
    "half a character in a key": ({"a": {"\ud800": 1}}, "a: 'utf-8' codec can't encode character"),
    "key": ({"a": {(1, 2): 3}}, "a: a value of type tuple"),
    "class": ({"a": Box}, "a: a value of type type"),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_written_is_named(data: Any, message: str) -> None:
    """By where it is, without the value."""
    with pytest.raises(InvalidArgument, match=f"^event 'T': data cannot be written as JSON: {message}") as raised:
        NewEvent("T", data)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
