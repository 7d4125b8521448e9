"""The system projections: what each makes of an event."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.projections.handling import Emitted, deleted_stream
from fastapi_esdb.embedded.projections.system import SYSTEM_QUERIES, SystemRules
from fastapi_esdb.embedded.store.metadata import MAX_METADATA
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.revisions import MAX_REVISION
from tests.embedded.projections.support import record, source_event

SOFT = record("$$cat-1", 2, "$metadata", {"$tb": MAX_REVISION})
HARD = record("cat-1", MAX_REVISION, "$streamDeleted", raw=b"")
LINK = record("cat-1", 3, "$>", raw=b"7@other")


def emitted(name: str, event: RecordedEvent, query: str | None = None) -> list[Emitted]:
    rules = SystemRules(name, SYSTEM_QUERIES[name] if query is None else query)
    return list(rules.handle(source_event(event)).emitted)


@pytest.mark.parametrize(
    ("name", "event", "expected"),
    [
        ("$by_category", record("cat-1-2", 5), Emitted("$ce-cat", "$>", "5@cat-1-2", metadata={"$o": "cat-1-2"})),
        ("$by_category", LINK, Emitted("$ce-cat", "$>", "7@other", metadata={"$o": "cat-1"})),
        (
            "$by_category",
            HARD,
            Emitted("$ce-cat", "$>", f"{MAX_REVISION}@cat-1", metadata={"$o": "cat-1", "$deleted": -1}),
        ),
        ("$by_category", SOFT, Emitted("$ce-cat", "$>", "2@$$cat-1", metadata={"$o": "cat-1", "$deleted": -1})),
        ("$by_event_type", record("a", 5, "U"), Emitted("$et-U", "$>", "5@a")),
        ("$by_event_type", record("$$a", 1, "$metadata"), Emitted("$et-$metadata", "$>", "1@$$a")),
        ("$by_event_type", SOFT, Emitted("$et-$deleted", "$>", "2@cat-1", metadata={"$deleted": -1})),
        ("$streams", record("a"), Emitted("$streams", "$>", "0@a")),
        ("$stream_by_category", record("cat-1"), Emitted("$category-cat", "$@", "cat-1")),
        (
            "$by_correlation_id",
            record("a", 5, metadata=b'{"$correlationId": "k"}'),
            Emitted("$bc-k", "$>", "5@a", metadata={"$eventTimestamp": "2026-01-02T03:04:05.678901Z"}),
        ),
    ],
)
def test_what_is_written(name: str, event: RecordedEvent, expected: Emitted) -> None:
    """Each writes what a real server's writes."""
    assert emitted(name, event) == [expected]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("$by_event_type", record("a", event_type="T" * 10_000)),
        ("$by_category", record("nodash")),
        ("$by_category", record("-1")),
        ("$by_category", record("$$cat-1", event_type="$metadata")),
        ("$streams", record("a", 1)),
        ("$stream_by_category", record("cat-1", 1)),
        ("$stream_by_category", record("nodash")),
        ("$by_correlation_id", record()),
        ("$by_correlation_id", record(metadata=b"no json")),
        ("$by_correlation_id", record(metadata=b'["$correlationId"]')),
        ("$by_correlation_id", record(metadata=b'{"$correlationId": 5}')),
        ("$by_correlation_id", record(metadata=b'{"$correlationId": "k"}'.ljust(MAX_METADATA + 1))),
        ("$by_correlation_id", record(event_type="$>", metadata=b'{"$correlationId": "k"}')),
    ],
)
def test_what_is_left_out(name: str, event: RecordedEvent) -> None:
    """An event that a projection is not for leads to nothing."""
    assert not emitted(name, event)


def test_other_categories() -> None:
    """The query says where a stream's name is divided, and by which character."""
    assert emitted("$by_category", record("a_b_c"), "first\n_")[0].stream == "$ce-a"
    assert emitted("$by_category", record("a_b_c"), "last\n_")[0].stream == "$ce-a_b"
    assert emitted("$stream_by_category", record("a_b_c"), "_")[0].stream == "$category-a_b"


def test_another_correlation_id() -> None:
    """The query says which key of the metadata tells what belongs together."""
    event = record(metadata=b'{"of": "k"}')
    assert emitted("$by_correlation_id", event, '{"correlationIdProperty": "of"}')[0].stream == "$bc-k"


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("$by_category", ""),
        ("$by_category", "middle\n-"),
        ("$by_category", "first\n--"),
        ("$by_correlation_id", "no json"),
        ("$by_correlation_id", "{}"),
        ("$by_correlation_id", '{"correlationIdProperty": 5}'),
        ("$streams", "fromAll()"),
        ("$by_event_type", "fromAll()"),
    ],
)
def test_queries_that_say_nothing(name: str, query: str) -> None:
    """A query that a system projection can't have is refused."""
    with pytest.raises(InvalidArgument, match="query"):
        SystemRules(name, query)


def test_deletions_are_known() -> None:
    """The end of a stream shows in its tombstone, or in its metadata."""
    assert (deleted_stream(HARD), deleted_stream(SOFT)) == ("cat-1", "cat-1")
    others = (record(), record("$$a", event_type="$metadata"), record("$$a", event_type="$metadata", raw=b"no json"))
    assert [deleted_stream(event) for event in others] == [None] * 3
