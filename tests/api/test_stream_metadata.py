"""Stream metadata as a value and as JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from fastapi_esdb.api.metadata import StreamAcl, StreamMetadata
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.revisions import MAX_REVISION

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
