"""Positions of projections, in the metadata of what they write."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fastapi_esdb.embedded.projections.tags import Tag, Version, read_tag, tagged
from fastapi_esdb.wire.positions import Position
from tests.embedded.projections.support import record

WRITER = Version(3, 1, 2)
IN_ALL = Tag(Position(9, 9))
IN_STREAM = Tag(streams={"a": 3})
IN_TYPES = Tag(Position(9, 9), {"T": -1})


@pytest.mark.parametrize("tag", [IN_ALL, IN_STREAM, IN_TYPES, Tag(streams={"a": 3, "b": -1})])
def test_there_and_back(tag: Tag) -> None:
    """A position is read as it was written, with who wrote it."""
    assert read_tag(replace(record(), metadata=tagged(WRITER, tag, {"m": 1}))) == (WRITER, tag)


def test_metadata() -> None:
    """The metadata has the names that servers use, and what the projection gave."""
    assert json.loads(tagged(WRITER, IN_TYPES, {"m": 1})) == {
        "$v": "3:1:2:4",
        "$c": 9,
        "$p": 9,
        "$s": {"T": -1},
        "m": 1,
    }


@pytest.mark.parametrize(
    "metadata", [b"", b"{}", b"[]", b"no json", b'{"$v": "x"}', b'{"$v": 1}', b'{"$v": "1:2:3:4", "$c": 1}']
)
def test_others_events(metadata: bytes) -> None:
    """An event that no projection wrote has no position."""
    assert read_tag(replace(record(), metadata=metadata)) is None


@pytest.mark.parametrize(
    ("tag", "other", "is_after"),
    [
        (IN_ALL, Tag(Position(8, 8)), True),
        (IN_ALL, IN_ALL, False),
        (IN_ALL, Tag(Position(10, 10)), False),
        (IN_STREAM, Tag(streams={"a": 2}), True),
        (IN_STREAM, IN_STREAM, False),
        (IN_STREAM, Tag(streams={"b": 9}), True),
        (Tag(streams={"a": 3, "b": 1}), Tag(streams={"a": 3, "b": 0}), True),
        (IN_STREAM, IN_ALL, True),
        (IN_ALL, IN_STREAM, True),
    ],
)
def test_order(tag: Tag, other: Tag, is_after: bool) -> None:
    """Of two positions one is further on; those in different sources can't be compared, and the new one counts."""
    assert tag.is_after(other) is is_after


def test_movement() -> None:
    """A position moves in `$all` or in one of its streams."""
    assert IN_TYPES.at(Position(11, 11)) == Tag(Position(11, 11), {"T": -1})
    assert IN_STREAM.moved("a", 4) == Tag(streams={"a": 4})
