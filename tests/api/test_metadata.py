"""Stream metadata and access lists: the values, and getting and setting them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

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


async def test_a_lost_answer_leaves_the_outcome_unknown() -> None:
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


EVERYTHING = StreamMetadata(
    max_count=10,
    max_age=timedelta(hours=1),
    truncate_before=3,
    cache_control=timedelta(minutes=1),
    acl=StreamAcl(read="$all"),
    custom={"owner": "me", "$tmp": True},
    revision=4,
)


def test_the_keys_are_the_servers() -> None:
    """protocol: counts as numbers, time spans in seconds, custom keys beside them; the revision is not written."""
    assert EVERYTHING.to_json() == {
        "$maxCount": 10,
        "$maxAge": 3600,
        "$tb": 3,
        "$cacheControl": 60,
        "$acl": {"$r": ["$all"]},
        "owner": "me",
        "$tmp": True,
    }


@pytest.mark.parametrize("metadata", [EVERYTHING, StreamMetadata(), StreamMetadata(truncate_before=0, acl=StreamAcl())])
def test_metadata_comes_back_as_it_was_written(metadata: StreamMetadata) -> None:
    """Every field."""
    assert StreamMetadata.from_json(json.dumps(metadata.to_json()).encode(), metadata.revision) == metadata


def test_a_soft_delete_leaves_only_the_truncation() -> None:
    """protocol: it replaces the metadata by a truncation at the largest revision."""
    found = StreamMetadata.from_json(b'{"$tb":9223372036854775807}', 1)
    assert found == StreamMetadata(truncate_before=MAX_REVISION, revision=1)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"null", b"\xff"])
def test_what_is_no_json_object_is_no_metadata(data: bytes) -> None:
    """As for the server; the revision tells that something was set."""
    assert StreamMetadata.from_json(data, 7) == StreamMetadata(revision=7)


BAD_JSON: list[Any] = [
    {"$maxCount": "ten"},
    {"$maxCount": 0},
    {"$maxCount": 2.5},
    {"$maxCount": True},
    {"$maxAge": -1},
    {"$maxAge": 10**15},
    {"$tb": -1},
    {"$cacheControl": "1h"},
    {"$acl": "alice"},
    {"$acl": {"$r": 5}},
]


@pytest.mark.parametrize("bad", BAD_JSON)
def test_one_bad_value_voids_all_that_servers_look_at(bad: dict[str, Any]) -> None:
    """As for the server, which ignores all of its own values then; custom ones are still told."""
    data = json.dumps({"$maxCount": 3, "owner": "me", **bad}).encode()
    assert StreamMetadata.from_json(data, 1) == StreamMetadata(custom={"owner": "me"}, revision=1)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"max_count": 0}, "max_count must be between 1 and"),
    ({"max_count": True}, "max_count must be a whole number"),
    ({"max_age": 60}, "max_age must be a timedelta of whole seconds"),
    ({"max_age": timedelta(0)}, "max_age must be a timedelta of whole seconds"),
    ({"max_age": timedelta(milliseconds=1500)}, "max_age must be a timedelta of whole seconds"),
    ({"truncate_before": -1}, "truncate_before must be between 0 and"),
    ({"cache_control": timedelta(seconds=-1)}, "cache_control must be a timedelta of whole seconds"),
    ({"custom": {"$maxCount": 1, "$acl": {}}}, r"custom must not hold \$acl, \$maxCount: there are fields for it"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_servers_would_ignore_is_refused(given: dict[str, Any], message: str) -> None:
    """Setting it would do nothing, silently."""
    with pytest.raises(InvalidArgument, match=message):
        StreamMetadata(**given)


def test_a_right_may_go_to_one_or_to_several() -> None:
    """One name is a list of one; what is left out falls back to the default."""
    acl = StreamAcl(read="$all", write=["alice", "bob"])
    assert (acl.read, acl.write, acl.delete) == (("$all",), ("alice", "bob"), None)


def test_the_keys_of_rights_are_the_servers() -> None:
    """protocol: `$acl` with `$r`, `$w`, `$d`, `$mr`, `$mw`."""
    acl = StreamAcl("r", "w", "d", "mr", "mw")
    assert acl.to_json() == {"$r": ["r"], "$w": ["w"], "$d": ["d"], "$mr": ["mr"], "$mw": ["mw"]}


def test_nobody_is_not_the_default() -> None:
    """An empty list gives the right to `$admins` alone, `None` to whom the default gives it."""
    assert StreamAcl(write=[]).to_json() == {"$w": []}
    assert StreamAcl().to_json() == {}


@pytest.mark.parametrize("acl", [StreamAcl(), StreamAcl("a", ["b", "c"], [], None, "$admins")])
def test_a_list_comes_back_as_it_was_written(acl: StreamAcl) -> None:
    """Also where servers keep a single name as a text."""
    assert StreamAcl.from_json(acl.to_json()) == acl
    assert StreamAcl.from_json({"$r": "alice"}) == StreamAcl(read="alice")


@pytest.mark.parametrize("names", [7, [7], [""], ""])
def test_what_is_no_name_is_refused(names: Any) -> None:
    """The error names the right."""
    with pytest.raises(InvalidArgument, match=r"acl\.write"):
        StreamAcl(write=names)


def test_a_list_must_be_an_object() -> None:
    """Anything else is no access list."""
    with pytest.raises(InvalidArgument, match="acl must be a JSON object"):
        StreamAcl.from_json(["alice"])
