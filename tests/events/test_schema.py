"""The JSON schemas of event types, and which changes of them break something."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model

from fastapi_esdb.errors import InvalidArgument
from fastapi_esdb.events.__main__ import main
from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.testing import assert_compatible
from tests.events import orders, test_round_trips, test_upcasting

ROOT = Path(__file__).parents[2]
ORDERS = "tests.events.orders:events"


class Line(BaseModel):
    sku: str


class OptionalLine(BaseModel):
    sku: str = ""


class NumberedLine(BaseModel):
    sku: int


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class OtherTree(BaseModel):
    name: int
    children: list[OtherTree] = []


def schemas(
    version: int = 1, config: ConfigDict | None = None, **fields: Any
) -> tuple[EventTypes[Any], dict[str, Any]]:
    """Return a registry with one type of these fields, and its schemas."""
    types = EventTypes[Any]()
    types("A", version=version)(create_model("A", __config__=config, **fields))
    return types, json.loads(json.dumps(types.json_schema()))


def broken(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return what a change of the fields breaks."""
    return schemas(**new)[0].broken_since(schemas(**old)[1])


FINE = [
    ({"a": str}, {"a": str}),
    ({"a": str}, {"a": str, "b": (int, 0)}),
    ({"a": str}, {"a": str, "b": (int | None, None)}),
    ({"a": str, "b": (int, 0)}, {"a": str}),
    ({"a": Decimal}, {"a": Decimal, "c": (Decimal, Decimal(1))}),
    ({"a": str}, {"a": (str, "")}),
    ({"a": list[Line]}, {"a": list[Line]}),
    ({"a": Line}, {"a": OptionalLine}),
    ({"a": Tree}, {"a": Tree}),
    ({"a": (int, Field(description="old"))}, {"a": (int, Field(description="new"))}),
]


@pytest.mark.parametrize(("old", "new"), FINE)
def test_what_both_can_read_is_compatible(old: dict[str, Any], new: dict[str, Any]) -> None:
    """New fields with a default, optional fields that go, defaults that come."""
    assert broken(old, new) == []


STORED, NEW = "A: stored events can't be read: ", "A: new events can't be read with the old schema: "

BROKEN: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"a": str}, {"a": str, "b": int}, [STORED + "b: is required, and may be missing"]),
    ({"a": str, "b": int}, {"a": str}, [NEW + "b: is required, and may be missing"]),
    ({"a": str, "b": (int, 0)}, {"a": str, "b": int}, [STORED + "b: is required, and may be missing"]),
    (
        {"a": str},
        {"a": int},
        [STORED + "a: string can't be read as integer", NEW + "a: integer can't be read as string"],
    ),
    ({"a": int}, {"a": int | None}, [NEW + "a: null can't be read as integer"]),
    ({"a": int | str}, {"a": int}, [STORED + "a: string can't be read as integer"]),
    ({"a": int}, {"a": float}, [NEW + "a: number can't be read as integer"]),
    ({"a": Literal["x", "y"]}, {"a": Literal["x"]}, [STORED + "a: not all of its values can be read"]),
    ({"a": str}, {"a": datetime}, [STORED + "a: format is stricter"]),
    ({"a": (str, Field(max_length=9))}, {"a": (str, Field(max_length=5))}, [STORED + "a: maxLength is stricter"]),
    ({"a": (int, Field(ge=1))}, {"a": (int, Field(ge=0))}, [NEW + "a: minimum is stricter"]),
    ({"a": list[Line]}, {"a": list[NumberedLine]}, [STORED + "a[].sku: string can't be read as integer"]),
    ({"a": dict[str, int]}, {"a": dict[str, str]}, [STORED + "a[…]: integer can't be read as string"]),
    ({"a": tuple[int, str]}, {"a": tuple[str, str]}, [STORED + "a[0]: integer can't be read as string"]),
    ({"a": Tree}, {"a": OtherTree}, [STORED + "a.name: string can't be read as integer"]),
    ({"a": Any}, {"a": int}, [STORED + "a: anything can't be read as integer"]),
    ({"a": Line | int}, {"a": NumberedLine | int}, [STORED + "a: object is none of what can be read"]),
    (
        {"a": str, "b": (int, 0), "config": ConfigDict(extra="forbid")},
        {"a": str, "c": (int, 0), "config": ConfigDict(extra="forbid")},
        [
            STORED + "b: is not known, and no other fields are allowed",
            NEW + "c: is not known, and no other fields are allowed",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "faults"), BROKEN)
def test_what_someone_cannot_read_is_told_with_its_place(
    old: dict[str, Any], new: dict[str, Any], faults: list[str]
) -> None:
    """In the direction in which it breaks: stored events and the app, or its events and those who know the old ones."""
    found = broken(old, new)
    assert [fault for fault in faults if fault not in found] == []
    directions = {fault.partition(" can't")[0] for fault in found}
    assert directions >= {fault.partition(" can't")[0] for fault in faults}


def test_a_new_version_may_change_anything() -> None:
    """What makes newer events of the stored ones is checked when the app starts."""
    assert broken({"a": str}, {"a": int, "version": 2}) == []


def test_a_version_that_goes_back_is_told() -> None:
    """Events of the newer one are stored."""
    assert broken({"a": str, "version": 2}, {"a": str}) == ["A: is of version 1, and events of version 2 are stored"]


def test_a_name_that_is_gone_is_told() -> None:
    """Unless another type was stored under it formerly, or it is retired."""
    old = schemas(a=str)[1]
    gone = ["A: is gone, and its events are stored: register what it is now"]
    assert EventTypes[Any]().broken_since(old) == gone
    renamed, retired = EventTypes[Any](), EventTypes[Any]()
    renamed("B", formerly="A")(create_model("B", a=str))
    retired.retired("A")(list)
    assert (renamed.broken_since(old), retired.broken_since(old)) == ([], [])


@pytest.mark.parametrize("types", [orders.events, test_upcasting.events, test_round_trips.types])
def test_every_type_can_read_itself(types: EventTypes[Any]) -> None:
    """Also where it reads more than it writes, as of decimals."""
    committed = json.loads(json.dumps(types.json_schema()))
    assert types.broken_since(committed) == []


def test_a_schema_is_what_is_stored() -> None:
    """With its aliases, complete in itself, and with the version beside it."""
    found = orders.events.json_schema()
    assert list(found) == ["OrderNoted", "OrderPaid", "OrderPlaced"]
    assert found["OrderPlaced"]["version"] == 1
    assert list(found["OrderPlaced"]["schema"]["properties"]) == ["orderId", "lines"]
    assert found["OrderPaid"]["schema"]["properties"]["amount"]["type"] == "string"
    assert test_upcasting.events.json_schema()["CustomerMoved"]["formerly"] == ["AddressChanged"]


LINES = st.builds(Line, sku=st.text(max_size=3))
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-9, 9),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(st.characters(codec="utf-8"), max_size=3),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=2),
    int | None: st.none() | st.integers(-9, 9),
    list[int]: st.lists(st.integers(-9, 9), max_size=2),
    Line: LINES,
    OptionalLine: st.builds(OptionalLine, sku=st.text(max_size=3)),
    NumberedLine: st.builds(NumberedLine, sku=st.integers(-9, 9)),
    dict[str, int]: st.dictionaries(st.text(max_size=3), st.integers(-9, 9), max_size=2),
    datetime: st.datetimes(timezones=st.just(UTC)),
}
"""The kinds of fields, and what can be in them."""

FIELDS = st.dictionaries(st.sampled_from("ab"), st.tuples(st.sampled_from(list(VALUES)), st.booleans()), max_size=2)
STRICT = ConfigDict(strict=True)


@given(FIELDS, FIELDS, st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_called_compatible_is_read(old: dict[str, Any], new: dict[str, Any], data: st.DataObject) -> None:
    """Whatever events of one hold, the other one reads them, in both directions."""
    (was, before), (became, _) = (_registered(fields, data) for fields in (old, new))
    if became.broken_since(before):
        return
    for writer, reader, fields in ((was, became, old), (became, was, new)):
        values = {name: data.draw(VALUES[kind]) for name, (kind, _) in fields.items()}
        _model(reader).model_validate_json(writer.new(_model(writer)(**values)).data)


def _registered(fields: dict[str, tuple[Any, bool]], data: st.DataObject) -> tuple[EventTypes[Any], dict[str, Any]]:
    """Return a registry with one type of these fields, some of which have a default."""
    made: dict[str, Any] = {
        name: (kind, data.draw(VALUES[kind]) if optional else ...) for name, (kind, optional) in fields.items()
    }
    return schemas(config=STRICT, **made)


def _model(types: EventTypes[Any]) -> type[BaseModel]:
    return cast("type[BaseModel]", next(iter(types._classes)))


def test_the_command_writes_them_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints them or writes a file, and says by its exit status whether a file is still read."""
    path = tmp_path / "schemas.json"
    assert main([ORDERS, "-o", str(path)]) == 0
    assert main([ORDERS]) == 0
    assert capsys.readouterr().out == path.read_text()
    assert json.loads(path.read_text()) == json.loads(json.dumps(orders.events.json_schema()))
    assert main([ORDERS, "--check", str(path)]) == 0
    path.write_text(path.read_text().replace('"OrderPaid"', '"OrderSettled"'))
    assert main([ORDERS, "--check", str(path)]) == 1
    assert "OrderSettled: is gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    "where", ["no.such.module:events", "tests.events.orders:nothing", "tests.events.orders:Line", ""]
)
def test_the_command_says_what_it_cannot_find(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    assert main([where]) == 2
    assert capsys.readouterr().err.startswith("fastapi_esdb.events: ")


def test_it_is_a_command() -> None:
    """As the documentation has it."""
    command = [sys.executable, "-m", "fastapi_esdb.events", ORDERS]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "OrderPlaced" in json.loads(run.stdout)


def test_the_helper_fails_where_something_breaks(tmp_path: Path) -> None:
    """With what it is, in the tests of an app."""
    committed = tmp_path / "schemas.json"
    types, found = schemas(a=str)
    committed.write_text(json.dumps(found))
    assert_compatible(types, committed)
    with pytest.raises(AssertionError, match="stored events can't be read: b: is required"):
        assert_compatible(schemas(a=str, b=int)[0], committed)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"OrderPaid": 1}', '{"OrderPaid": {"version": "1"}}'])
def test_a_file_of_something_else_is_named(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is no file of an app without types, in which nothing can break."""
    path = tmp_path / "other.json"
    path.write_text(text)
    assert main([ORDERS, "--check", str(path)]) == 2
    assert "other.json holds no schemas of event types" in capsys.readouterr().err
    with pytest.raises(InvalidArgument, match=r"other\.json holds no schemas"):
        assert_compatible(orders.events, path)


def test_the_file_that_does_not_exist_yet_is_named(tmp_path: Path) -> None:
    """The first one is written by hand."""
    with pytest.raises(FileNotFoundError, match=r"schemas\.json"):
        assert_compatible(orders.events, tmp_path / "schemas.json")
