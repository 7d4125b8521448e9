from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from fastapi_esdb.wire.codec.json_values import EXACT, Json, read_json, write_json
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.proto.v1 import struct_pb2 as v1
from fastapi_esdb.wire.proto.v2 import struct_pb2 as v2

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def written(value: object) -> v1.Value:
    message = v1.Value()
    write_json(value, message)
    return message


@given(JSON)
def test_what_was_written_is_read(value: Json) -> None:
    """Whatever JSON can say survives the way to a message and back."""
    assert read_json(written(value)) == value


@given(JSON)
def test_the_message_means_the_same_json(value: Json) -> None:
    """The message is the one that protobuf's own JSON mapping has for the value."""
    mapped: object = json_format.MessageToDict(written([value]))  # a list, whatever its annotation says
    assert mapped == [value]


def test_both_pools() -> None:
    """The values of v1 and of v2 are classes of their own and hold the same."""
    message = v2.Value()
    write_json({"a": [1, None]}, message)
    assert message.SerializeToString() == written({"a": [1, None]}).SerializeToString()
    assert read_json(message) == {"a": [1, None]}


@pytest.mark.parametrize(
    ("number", "plain"),
    [
        (3.0, 3),
        (-2.0, -2),
        (1.5, 1.5),
        (2.0**53, 2**53),
        (2.0**53 + 2, 2.0**53 + 2),
        (1e300, 1e300),
        (math.inf, math.inf),
    ],
)
def test_numbers(number: float, plain: float) -> None:
    """A whole number comes as int where a double is exact, and as the float that it is beyond."""
    read = read_json(v1.Value(number_value=number))
    assert read == plain
    assert type(read) is type(plain)


def test_a_bool_is_no_number() -> None:
    """True stays True, though Python counts it among the ints."""
    assert read_json(written(True)) is True


def test_empty_containers() -> None:
    """An empty object and an empty list are told from each other and from nothing."""
    empty: list[Json] = [{}, [], None, "", 0]
    assert [read_json(written(value)) for value in empty] == empty


def test_a_message_without_content() -> None:
    """A value that says nothing is None."""
    assert read_json(v1.Value()) is None


def test_tuples_are_lists() -> None:
    """A tuple is written as a list."""
    assert read_json(written((1, "a"))) == [1, "a"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (math.nan, "nan is not JSON: numbers must be finite"),
        (-math.inf, "-inf is not JSON"),
        (EXACT + 1, "9007199254740993 does not fit: whole numbers go up to 2^53; send it as text"),
        (10**400, "does not fit"),
        (b"bytes", "b'bytes' is not JSON: it must be made of str"),
        ({1: "a"}, "the key 1 is not JSON: keys of an object must be str"),
        ({"a": [object]}, "is not JSON"),
    ],
)
def test_what_is_no_json(value: Any, says: str) -> None:
    """What JSON or a double cannot hold is refused, by name, instead of changed."""
    with pytest.raises(InvalidArgument) as refused:
        written(value)
    assert says in str(refused.value)
