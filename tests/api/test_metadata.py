"""Stream metadata and default access lists on a server."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import Metadata, StreamAcl, StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.errors import AppendOutcomeUnknown
from fastapi_esdb.wire.errors import ConnectionLost, InvalidArgument, WrongExpectedRevision
from fastapi_esdb.wire.revisions import MAX_REVISION, NO_STREAM
from tests.api.fakes import FakeCarrier
from tests.support.target import own_server


async def revisions(esdb: Connection) -> list[int]:
    return [event.revision async for event in esdb.read("s")]


async def five(esdb: Connection) -> None:
    await esdb.append("s", [NewEvent("T", {"n": number}) for number in range(5)])


async def test_metadata_comes_back_as_it_was_set(esdb: Connection) -> None:
    """Every field; the revision counts the changes."""
    given = StreamMetadata(
        max_count=10,
        max_age=timedelta(days=1),
        truncate_before=1,
        cache_control=timedelta(seconds=5),
        acl=StreamAcl(read=["$all"], write="$admins"),
        custom={"owner": "me", "tags": [1, None]},
    )
    assert (await esdb.set_metadata("s", given, NO_STREAM)).revision == 0
    found = await esdb.get_metadata("s")
    assert found.revision == 0
    assert found.to_json() == given.to_json()


async def test_where_none_was_set(esdb: Connection) -> None:
    """It is empty, and has no revision; the stream need not exist."""
    assert await esdb.get_metadata("nowhere") == StreamMetadata()


async def test_changes_can_expect_what_was_read(esdb: Connection) -> None:
    """So that nobody's change is overwritten."""
    await esdb.set_metadata("s", StreamMetadata(max_count=2))
    found = await esdb.get_metadata("s")
    assert found.revision is not None
    await esdb.set_metadata("s", StreamMetadata(max_count=3), found.revision)
    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.set_metadata("s", StreamMetadata(max_count=4), found.revision)
    assert (caught.value.stream, caught.value.actual) == ("$$s", 1)
    assert await esdb.get_metadata("s") == StreamMetadata(max_count=3, revision=1)


async def test_a_limit_hides_older_events(esdb: Connection) -> None:
    """By count and by revision."""
    await five(esdb)
    await esdb.set_metadata("s", StreamMetadata(max_count=2))
    assert await revisions(esdb) == [3, 4]
    await esdb.set_metadata("s", StreamMetadata(truncate_before=4))
    assert await revisions(esdb) == [4]
    await esdb.set_metadata("s", StreamMetadata())
    assert await revisions(esdb) == [0, 1, 2, 3, 4]


async def test_deleting_a_stream_replaces_its_metadata(esdb: Connection) -> None:
    """By a truncation of everything."""
    await five(esdb)
    await esdb.set_metadata("s", StreamMetadata(max_count=4, custom={"owner": "me"}))
    await esdb.delete("s")
    assert await esdb.get_metadata("s") == StreamMetadata(truncate_before=MAX_REVISION, revision=1)


async def test_what_someone_else_wrote_is_read_as_the_server_does(esdb: Connection) -> None:
    """Malformed metadata is none."""
    await esdb.append("$$s", NewEvent("$metadata", b"{not json"))
    assert await esdb.get_metadata("s") == StreamMetadata(revision=0)


@own_server
async def test_default_access_lists_go_where_servers_look(esdb: Connection) -> None:
    """protocol: the last event of `$settings`."""
    await esdb.set_default_acl(user_streams=StreamAcl(read=["$all"], write="writers"))
    await esdb.set_default_acl(system_streams=StreamAcl(read="$ops"), expected=0)
    first, second = await esdb.read("$settings").to_list()
    assert first.json() == {"$userStreamAcl": {"$r": ["$all"], "$w": ["writers"]}}
    assert second.json() == {"$systemStreamAcl": {"$r": ["$ops"]}}
    assert {first.type, second.type} == {"$settings"}


async def test_a_lost_answer_leaves_doubt() -> None:
    """Setting metadata is an append."""
    carrier = FakeCarrier(answers=[ConnectionLost()])
    carrier.retry_unknown = False
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await Metadata(carrier).set_metadata("s", StreamMetadata())
    assert caught.value.stream == "$$s"


async def test_custom_values_must_be_json() -> None:
    """The error names what can't be written."""
    with pytest.raises(InvalidArgument, match="data cannot be written as JSON"):
        await Metadata(FakeCarrier()).set_metadata("s", StreamMetadata(custom={"x": object()}))
