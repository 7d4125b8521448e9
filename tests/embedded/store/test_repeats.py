"""Repeats of appends: what was written once is not written again, and not refused."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.store import Database, MemoryStorage
from fastapi_esdb.wire.errors import WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from tests.embedded.store.support import event, events, read, set_metadata


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS, NO_STREAM])
async def test_the_same_ids_again_answer_the_same(database: Database, expected: Expected) -> None:
    """Revision and position are those of the first time, also when the stream has gone on since."""
    batch = events(3)
    first = await database.append("a", NO_STREAM, batch)
    await database.append("a", ANY, events(1))
    assert await database.append("a", expected, batch) == first
    assert read(database, "a") == [0, 1, 2, 3]


async def test_an_exact_revision_recognises_its_ids_behind_it(database: Database) -> None:
    """The ids are looked for right behind the expected revision."""
    await database.append("a", NO_STREAM, events(1))
    batch = events(2)
    first = await database.append("a", 0, batch)
    assert await database.append("a", 0, batch) == first
    assert read(database, "a") == [0, 1, 2]


async def test_a_part_of_a_former_append_is_a_repeat_too(database: Database) -> None:
    """The first id alone answers with the place of that event."""
    batch = events(3)
    await database.append("a", ANY, batch)
    result = await database.append("a", ANY, batch[:1])
    assert (result.revision, result.position) == (0, database.read_stream("a").records[0].position)
    assert (await database.append("a", NO_STREAM, batch[:2])).revision == 1


async def test_an_exact_repeat_that_differs_is_refused(database: Database) -> None:
    """Reordered, begun late or with something added, it is no repeat."""
    first, batch = events(1), events(2)
    await database.append("a", NO_STREAM, first)
    await database.append("a", 0, batch)
    for wrong in ([batch[1], event()], [batch[1], batch[0]], [*batch, event()], events(1)):
        with pytest.raises(WrongExpectedRevision):
            await database.append("a", 0, wrong)
    assert read(database, "a") == [0, 1, 2]


async def test_known_ids_before_new_ones_are_refused_with_any(database: Database) -> None:
    """A repeat with something added is taken for a mistake; known ids behind a new one don't matter."""
    batch = events(2)
    await database.append("a", ANY, batch)
    with pytest.raises(WrongExpectedRevision) as caught:
        await database.append("a", ANY, [batch[1], event()])
    assert (caught.value.expected, caught.value.actual) == (ANY, 1)
    assert (await database.append("a", ANY, [event(), batch[0]])).revision == 3


async def test_one_id_twice_in_one_append_is_two_events(database: Database) -> None:
    """Ids need not differ within an append; its repeat is answered with the first of them, as by a real server."""
    twice = event()
    assert (await database.append("a", NO_STREAM, [twice, twice])).revision == 1
    assert (await database.append("a", ANY, [twice, twice])).revision == 0
    assert read(database, "a") == [0, 1]


async def test_ids_count_for_one_stream(database: Database) -> None:
    """The same id in another stream is another event."""
    same = events(1)
    await database.append("a", NO_STREAM, same)
    assert (await database.append("b", ANY, same)).revision == 0
    assert (await database.append("b", NO_STREAM, same)).revision == 0
    assert read(database, "b") == [0]


async def test_the_memory_knows_an_id_of_one_stream_only(database: Database) -> None:
    """Used in a second stream as well it is new there each time, unless a revision says where to look for it."""
    same = events(1)
    await database.append("a", ANY, same)
    assert [(await database.append("b", ANY, same)).revision for _ in range(2)] == [0, 1]
    assert (await database.append("a", ANY, same)).revision == 0


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS])
async def test_a_restart_forgets_the_ids(expected: Expected) -> None:
    """What names no revision is then stored a second time; with a revision the stream itself is looked at."""
    storage, first, second = MemoryStorage(), events(1), events(2)
    async with Database(storage) as database:
        await database.append("a", NO_STREAM, first)
        await database.append("a", 0, second)
    async with Database(storage) as database:
        assert (await database.append("a", NO_STREAM, first)).revision == 0
        assert (await database.append("a", 0, second)).revision == 2
        assert (await database.append("a", expected, second)).revision == 4
        assert (await database.append("a", expected, second)).revision == 4
        assert read(database, "a") == [0, 1, 2, 3, 4]


async def test_the_second_event_of_an_append_alone(database: Database) -> None:
    """Is the same with `ANY`, since it is known; with `NO_STREAM` only a leading part is."""
    batch = events(2)
    await database.append("a", ANY, batch)
    assert (await database.append("a", ANY, batch[1:])).revision == 1
    with pytest.raises(WrongExpectedRevision):
        await database.append("a", NO_STREAM, batch[1:])


async def test_a_repeat_is_recognised_behind_truncation_and_soft_delete(database: Database) -> None:
    """That events are hidden does not make them new."""
    batch = events(2)
    first = await database.append("a", NO_STREAM, batch)
    await set_metadata(database, "a", truncate_before=2)
    assert await database.append("a", NO_STREAM, batch) == first
    await database.delete("a")
    assert await database.append("a", NO_STREAM, batch) == first
    assert database.stream_info("a").is_soft_deleted
