"""The functions of an index, and what they see."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from uuid import UUID

import pytest

from fastapi_esdb.embedded.indexes.script import IndexScript, Value
from fastapi_esdb.wire.admin.indexes import Index, IndexField, IndexFieldType, IndexState
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position

OUT = object()
"""Left out of the index."""

STRING, DOUBLE, INT_32, INT_64 = (
    IndexFieldType.STRING,
    IndexFieldType.DOUBLE,
    IndexFieldType.INT_32,
    IndexFieldType.INT_64,
)


def record(data: bytes = b'{"n": 1.5, "s": "x"}', metadata: bytes = b"", content_type: str = JSON) -> RecordedEvent:
    created = datetime(2024, 2, 29, 12, 30, 15, 250_001, UTC)
    return RecordedEvent(UUID(int=5), "s-1", 7, "T", data, metadata, content_type, created, Position(900, 900))


def chosen(index: Index, *records: RecordedEvent) -> list[Value | object]:
    """The value of each record that belongs into an index; there is one of each."""
    script = IndexScript(index)
    found = [script.chosen([one], threading.Event()) for one in records]
    return [entries[0].value if entries else OUT for entries in found]


def by_filter(source: str, *records: RecordedEvent) -> list[bool]:
    index = Index("i", source, (), IndexState.STARTED)
    return [value is not OUT for value in chosen(index, *records)]


def by_selector(source: str, kind: IndexFieldType, *records: RecordedEvent) -> list[Value | object]:
    return chosen(Index("i", "", (IndexField("f", source, kind),), IndexState.STARTED), *records)


@pytest.mark.parametrize(
    "condition",
    [
        "rec.value.n === 1.5 && rec.hasValue",
        "rec.schema.name === 'T' && rec.schema.format === 1 && rec.schema.id === null",
        "rec.position.stream === 's-1' && rec.position.streamRevision === 7 && rec.position.logPosition === 900",
        "rec.id === '00000000-0000-0000-0000-000000000005'",
        "rec.sequence === 1 && rec.redacted === false",
        "rec.timestamp.getTime() === Date.UTC(2024, 1, 29, 12, 30, 15, 250)",
        "rec.properties.by === 'jim'",
        "rec.value === rec.value",
        "Object.keys(rec).includes('value')",
    ],
)
def test_what_a_function_sees(condition: str) -> None:
    """Of a record it sees the parts that the functions of a real server see."""
    assert by_filter(f"rec => {condition}", record(metadata=b'{"by": "jim"}')) == [True]


@pytest.mark.parametrize("data", [b"", b"\x00\x01"])
def test_data_that_is_no_json(data: bytes) -> None:
    """It is null, and a function that wants more of it fails, which leaves the event out."""
    odd = record(data, content_type=OCTET_STREAM)
    assert by_filter("rec => rec.value === null && !rec.hasValue && rec.schema.format === 4", odd) == [True]
    assert by_filter("rec => rec.value.n === 1.5", odd, record()) == [False, True]


def test_a_function_that_fails_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """The first event that is left out for that is a warning; it may be so with all of them."""
    caplog.set_level(logging.INFO)
    index = Index("orders", "rec => rec.value.a.b", (), IndexState.STARTED)
    assert IndexScript(index).chosen([record(), record()], threading.Event()) == []
    assert [(entry.levelname, "index orders leaves out 7@s-1: " in entry.message) for entry in caplog.records] == [
        ("WARNING", True),
        ("INFO", True),
    ]


def test_data_that_only_claims_to_be_json() -> None:
    """Looking at it fails; a filter that does not look lets it in."""
    assert by_filter("rec => rec.value !== 1", record(b"{")) == [False]
    assert by_filter("rec => rec.schema.name === 'T'", record(b"{")) == [True]


@pytest.mark.parametrize("result", ["1", "'true'", "null", "undefined", "({})", "new Boolean(true)", "false"])
def test_filters_that_do_not_say_yes(result: str) -> None:
    """Only `true` lets an event in."""
    assert by_filter(f"rec => {result}", record()) == [False]


@pytest.mark.parametrize(
    ("kind", "result", "value"),
    [
        (STRING, "'x'", "x"),
        (STRING, "''", ""),
        (STRING, "1", OUT),
        (STRING, "null", OUT),
        (STRING, "undefined", OUT),
        (STRING, "skip", OUT),
        (DOUBLE, "1.5", 1.5),
        (DOUBLE, "1e21", 1e21),
        (DOUBLE, "'1.5'", OUT),
        (DOUBLE, "1 / 0", float("inf")),
        (INT_32, "2", 2),
        (INT_32, "-2.9", -2),
        (INT_32, "2 ** 31 - 1", 2**31 - 1),
        (INT_32, "2 ** 31", OUT),
        (INT_32, "-(2 ** 31) - 1", OUT),
        (INT_32, "NaN", OUT),
        (INT_32, "true", OUT),
        (INT_64, "2 ** 62", 2**62),
        (INT_64, "2 ** 63", OUT),
        (INT_64, "5n", OUT),
    ],
)
def test_values(kind: IndexFieldType, result: str, value: object) -> None:
    """A value is of the type of its field, whole numbers without a fraction; what is anything else is left out."""
    assert by_selector(f"rec => {result}", kind, record()) == [value]


def test_both_functions() -> None:
    """The selector is asked about what the filter lets in."""
    field = IndexField("f", "rec => rec.value.s ?? skip")
    index = Index("i", "rec => rec.value.n > 1", (field,), IndexState.STARTED)
    records = [record(), record(b'{"n": 1, "s": "y"}'), record(b'{"n": 2}')]
    assert chosen(index, *records) == ["x", OUT, OUT]


@pytest.mark.parametrize(
    "source", ["rec => rec", "({value}) => true", "(function (rec) { return true })", " rec => 1 "]
)
def test_functions(source: str) -> None:
    """They may be written in each way that makes an expression."""
    IndexScript(Index("i", source, (), IndexState.STOPPED))


@pytest.mark.parametrize(
    "source",
    [
        "(",
        "5",
        "'rec => 1'",
        "() => 1",
        "(a, b) => 1",
        "function f(rec) { return true }",
        "rec => 1;",
        "let f = rec => 1",
    ],
)
def test_what_is_no_function_of_one_argument(source: str) -> None:
    """It is refused in the words of a real server."""
    with pytest.raises(InvalidArgument, match="Filter must be empty or a valid JavaScript function"):
        IndexScript(Index("i", source, (), IndexState.STOPPED))
    with pytest.raises(InvalidArgument, match="Field selector must be a valid JavaScript function"):
        IndexScript(Index("i", "", (IndexField("f", source),), IndexState.STOPPED))


def test_one_index_does_not_see_another() -> None:
    """Each has an engine of its own, in which nothing of the server can be reached, and ours can't be changed."""
    spoiler = "(JSON.parse = skip = 5, rec => true)"
    with pytest.raises(InvalidArgument):
        IndexScript(Index("i", f"'use strict'; {spoiler}", (), IndexState.STOPPED))
    assert by_filter("(JSON.parse = () => 5, String = () => 'odd', rec => rec.value.n === 1.5)", record()) == [True]
    assert by_filter("rec => JSON.parse('6') === 6", record()) == [True]


def test_no_more_are_chosen_once_interrupted() -> None:
    """The one at hand is the last."""
    interrupted = threading.Event()
    interrupted.set()
    script = IndexScript(Index("i", "", (), IndexState.STARTED))
    assert script.chosen([record()], interrupted) == []
