"""Writing what projections emit: once, with where it came from, and to streams of their own."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fastapi_esdb.embedded.projections.emitter import EmitFailed, Emitter
from fastapi_esdb.embedded.projections.handling import Emitted, Handled
from fastapi_esdb.embedded.projections.settings import Settings
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.events.values import RecordedEvent
from tests.embedded.projections.support import read, record, source_event, told, write

SETTINGS = Settings("p", "", emit_enabled=True, id=7, version=0)
OUT = Emitted("out", "E", '{"a":1}', is_json=True)


def handled(revision: int, *emitted: Emitted, results: tuple[Emitted, ...] = (), metadata: bytes = b"") -> Handled:
    return Handled(source_event(record("a", revision, metadata=metadata)), emitted, results)


async def emit(database: Database, *batch: Handled, settings: Settings = SETTINGS) -> None:
    await Emitter(database, settings).write(batch)


def metadata_of(event: RecordedEvent) -> dict[str, object]:
    metadata: dict[str, object] = event.json_metadata()
    return metadata


async def test_what_is_written(database: Database) -> None:
    """An event is written with the position of the projection, its own metadata and the event that caused it."""
    one = handled(5, replace(OUT, metadata={"m": 1, "$causedBy": "mine"}))
    await emit(database, one)
    [event] = read(database, "out")
    assert (event.type, event.data, event.content_type) == ("E", b'{"a":1}', "application/json")
    caused = {"$causedBy": str(one.event.record.id)}
    assert metadata_of(event) == {"$v": "7:-1:0:4", "$c": 5, "$p": 5, "m": 1, **caused}


@pytest.mark.parametrize(("given", "expected"), [({}, "k"), ({"$correlationId": "own"}, "own")])
async def test_what_belongs_together(database: Database, given: dict[str, object], expected: str) -> None:
    """The correlation id goes from the source's event to what is written for it, unless the projection gives one."""
    await emit(database, handled(0, replace(OUT, metadata=given), metadata=b'{"$correlationId": "k"}'))
    assert metadata_of(read(database, "out")[0])["$correlationId"] == expected


async def test_streams_are_readable_for_all(database: Database) -> None:
    """A new stream gets metadata: one of the system's is for everybody to read."""
    await emit(database, handled(0, OUT, Emitted("$ce-x", "$>", "0@a")))
    assert told(read(database, "$$out")) == [("$metadata", '{"$acl": {}}')]
    assert json.loads(read(database, "$$$ce-x")[0].data) == {"$acl": {"$r": "$all", "$mr": "$all"}}
    await emit(database, handled(1, OUT))
    assert len(read(database, "$$out")) == 1


async def test_nothing_twice(database: Database) -> None:
    """After a restart from an earlier position, what is written already is left out, stream by stream."""
    batch = [handled(n, OUT, replace(OUT, type="F"), *([Emitted("other", "E")] if n else [])) for n in range(3)]
    await emit(database, *batch[:1])
    await emit(database, *batch)
    await emit(database, *batch)
    assert [event.type for event in read(database, "out")] == ["E", "F"] * 3
    assert len(read(database, "other")) == 2


async def test_streams_of_others(database: Database) -> None:
    """A stream that somebody else writes to is none for a projection, neither before nor while it runs."""
    await write(database, "out")
    with pytest.raises(EmitFailed, match="'out' has been written to from the outside"):
        await emit(database, handled(0, OUT))
    emitter = Emitter(database, SETTINGS)
    await emitter.write([handled(0, Emitted("mine", "E"))])
    await write(database, "mine")
    with pytest.raises(EmitFailed, match="'mine' has been written to from the outside"):
        await emitter.write([handled(1, Emitted("mine", "E"))])


async def test_streams_of_other_projections(database: Database) -> None:
    """Two projections can't write to one stream."""
    await emit(database, handled(0, OUT))
    with pytest.raises(EmitFailed, match="'out' has been written to by another projection"):
        await emit(database, handled(0, OUT), settings=replace(SETTINGS, id=8))


async def test_streams_of_the_same_name(database: Database) -> None:
    """The results of a deleted projection are hidden by those of a new one of the same name."""
    result = Emitted("$projections-p-result", "Result", "1", is_json=True)
    await emit(database, handled(0, results=(result,)))
    await emit(database, handled(0, results=(replace(result, data="2"),)), settings=replace(SETTINGS, id=8))
    assert told(read(database, "$projections-p-result")) == [("Result", "2")]


async def test_a_reset(database: Database) -> None:
    """A projection that begins anew hides what it wrote before."""
    await emit(database, handled(0, OUT), handled(1, OUT))
    await emit(database, handled(0, replace(OUT, type="F")), settings=replace(SETTINGS, epoch=1, version=1))
    assert [(event.revision, event.type) for event in read(database, "out")] == [(2, "F")]


async def test_deleted_streams(database: Database) -> None:
    """A soft-deleted stream is begun anew; a tombstoned one can't be written to."""
    await emit(database, handled(0, OUT))
    await database.delete("out")
    await emit(database, handled(1, OUT))
    assert [event.revision for event in read(database, "out")] == [1]
    await database.tombstone("out")
    with pytest.raises(EmitFailed, match="out' is deleted"):
        await emit(database, handled(2, OUT))


@pytest.mark.parametrize("stream", ["$all", "x\ud800"])
async def test_names_that_no_stream_can_have(database: Database, stream: str) -> None:
    """A name that can't be a stream's fails, and says so."""
    with pytest.raises(EmitFailed, match="can't be written to"):
        await emit(database, handled(0, Emitted(stream, "E")))


async def test_links_to_results(database: Database) -> None:
    """The link to a partition's result is to the newest one, also within one batch."""
    results = (
        Emitted("$projections-p-x-result", "Result", "1", is_json=True),
        Emitted("$projections-p-result", "$>", links_last_of="$projections-p-x-result"),
    )
    await emit(database, handled(0, results=results), handled(1, results=results))
    links = [event.data for event in read(database, "$projections-p-result")]
    assert links == [b"0@$projections-p-x-result", b"1@$projections-p-x-result"]


async def test_tracking(database: Database) -> None:
    """A projection that is to remember its streams writes down each one once, its own results not among them."""
    settings = replace(SETTINGS, track_emitted_streams=True)
    result = Emitted("$projections-p-result", "Result", "1", is_json=True)
    await emit(database, handled(0, OUT, Emitted("other", "E"), results=(result,)), handled(1, OUT), settings=settings)
    await emit(database, handled(2, OUT), settings=settings)
    assert sorted(told(read(database, "$projections-p-emittedstreams"))) == [
        ("$StreamTracked", "other"),
        ("$StreamTracked", "out"),
    ]


async def test_metadata_of_streams_can_be_written(database: Database) -> None:
    """A projection can write the metadata of a stream, which has none of its own."""
    await emit(database, handled(0, Emitted("$$a", "$metadata", '{"$maxCount":1}', is_json=True)))
    assert database.metadata("a").max_count == 1
