"""Generated values for properties: everything that can stand in a request or an answer of the Streams service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import EventFilter, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Position
from fastapi_esdb.wire.revisions import MAX_REVISION, StreamState
from fastapi_esdb.wire.streams.values import ALL_EVENTS, ReadRequest

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.filter(bool)
DATA = st.binary(max_size=20)
REVISIONS = st.integers(0, MAX_REVISION)
POSITIONS = st.builds(lambda commit, back: Position(commit, max(0, commit - back)), REVISIONS, st.integers(0, 99))
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 # as asked for
EXPECTED = REVISIONS | st.sampled_from(StreamState)
CONTENT_TYPES = st.sampled_from([JSON, OCTET_STREAM])

PROPOSED = st.builds(ProposedEvent, st.uuids(version=4), NAMES, DATA, DATA, CONTENT_TYPES)

PLAIN_EVENTS = st.builds(
    RecordedEvent, st.uuids(), NAMES, REVISIONS, TEXTS, DATA, DATA, CONTENT_TYPES, TIMES, st.none() | POSITIONS
)
LOST_LINKS = PLAIN_EVENTS.map(lambda link: replace(link, link=link))
RESOLVED = st.builds(lambda event, link: replace(event, link=link), PLAIN_EVENTS, PLAIN_EVENTS).filter(
    lambda event: not event.is_unresolved_link
)
EVENTS = PLAIN_EVENTS | LOST_LINKS | RESOLVED

FILTERS = st.builds(
    EventFilter,
    by_stream=st.booleans(),
    prefixes=st.lists(TEXTS, max_size=3).map(tuple),
    regex=TEXTS,
    window=st.none() | st.integers(0, 2**32 - 1),
    checkpoint_interval=st.integers(1, 2**32 - 1),
)
EDGES = st.sampled_from([START, END])
OPTIONS = {
    "resolve_links": st.booleans(),
    "structured_ids": st.booleans(),
    "compatibility": st.integers(0, 1),
}
READS = {
    "direction": st.sampled_from([FORWARDS, BACKWARDS]),
    "limit": st.integers(0, ALL_EVENTS),
    **OPTIONS,
}
READ_REQUESTS = (
    st.builds(ReadRequest, NAMES, EDGES | REVISIONS, **READS)
    | st.builds(ReadRequest, NAMES, EDGES | REVISIONS, subscribe=st.just(True), **OPTIONS)
    | st.builds(ReadRequest, st.none(), EDGES | POSITIONS, filter=st.none() | FILTERS, **READS)
    | st.builds(ReadRequest, st.none(), EDGES, filter=st.none() | FILTERS, subscribe=st.just(True), **OPTIONS)
)
