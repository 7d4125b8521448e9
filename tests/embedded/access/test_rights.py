"""Access lists: the stream's own, those of the system, the defaults (protocol 2.11)."""

from __future__ import annotations

import json

import pytest

from fastapi_esdb.embedded.access import ADMINISTRATOR, ANONYMOUS, Caller, Right
from fastapi_esdb.embedded.access.access import Rights
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import event

JANE = Caller("jane", frozenset({"dev"}))
OPS = Caller("ops", frozenset({"$ops"}))
ADMIN = Caller("admin", frozenset({"$admins"}))


async def write(database: Database, stream: str, content: object) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    await database.append(stream, ANY, [event("$settings", data)])


async def set_acl(database: Database, stream: str, **acl: object) -> None:
    """`r=["jane"]` gives her the right to read."""
    await write(database, f"$${stream}", {"$acl": {f"${key}": names for key, names in acl.items()}})


def rights(database: Database, caller: Caller, stream: str) -> set[Right]:
    """All rights that the caller has to the stream."""
    return {right for right in Right if Rights(database).allow(caller, stream, right)}


ALL = set(Right)


@pytest.mark.parametrize(
    ("caller", "stream", "expected"),
    [
        (JANE, "a", ALL),
        (OPS, "a", ALL),
        (ADMIN, "a", ALL),
        (ANONYMOUS, "a", set()),
        (JANE, "$a", set()),
        (OPS, "$a", set()),
        (ADMIN, "$a", ALL),
        (JANE, "$all", set()),
        (ADMIN, "$all", ALL),
        (ADMINISTRATOR, "$all", ALL),
    ],
)
async def test_defaults(database: Database, caller: Caller, stream: str, expected: set[Right]) -> None:
    """Streams of users are open to all users, those of the system and the log to administrators only."""
    assert rights(database, caller, stream) == expected


async def test_the_list_of_a_stream(database: Database) -> None:
    """It names users and groups, each right by itself; what it leaves out is as without it."""
    await set_acl(database, "a", r="jane", w=["dev", "x"], d="$ops", mr=[])
    assert rights(database, JANE, "a") == {Right.READ, Right.WRITE, Right.META_WRITE}
    assert rights(database, OPS, "a") == {Right.DELETE, Right.META_WRITE}
    assert rights(database, ADMIN, "a") == ALL
    assert rights(database, ANONYMOUS, "a") == set()
    assert rights(database, JANE, "b") == ALL


async def test_all_means_all_users(database: Database) -> None:
    """A list may open a stream of the system, and the log; callers without a name are no users."""
    await set_acl(database, "$a", r="$all")
    await set_acl(database, "$all", r=["x", "$all"])
    assert rights(database, JANE, "$a") == {Right.READ}
    assert rights(database, JANE, "$all") == {Right.READ}
    assert rights(database, ANONYMOUS, "$a") == set()


async def test_metastreams(database: Database) -> None:
    """Who may read or write one is a right to its stream."""
    await set_acl(database, "a", mr="jane", r=[], w="jane", mw=[])
    assert {Right.READ} <= rights(database, JANE, "$$a")
    assert Right.WRITE not in rights(database, JANE, "$$a")
    assert Right.READ not in rights(database, OPS, "$$a")
    assert Right.READ not in rights(database, JANE, "$$$a")


async def test_settings_of_the_system(database: Database) -> None:
    """They stand between the list of a stream and the defaults; the last event counts."""
    await write(database, "$settings", {"$userStreamAcl": {"$r": "x", "$w": "x"}})
    acls = {"$userStreamAcl": {"$r": "dev", "$w": "x"}, "$systemStreamAcl": {"$r": "jane"}}
    await write(database, "$settings", acls)
    await set_acl(database, "b", w="jane")
    assert rights(database, JANE, "a") == ALL - {Right.WRITE}
    assert rights(database, JANE, "b") == ALL
    assert rights(database, OPS, "b") == {Right.DELETE, Right.META_READ, Right.META_WRITE}
    assert rights(database, JANE, "$a") == {Right.READ}


@pytest.mark.parametrize("content", [b"{", [], {"$userStreamAcl": 1}, {"$userStreamAcl": {"$r": 1}}])
async def test_settings_that_are_none(database: Database, content: object) -> None:
    """What is malformed counts for nothing."""
    await write(database, "$settings", content)
    assert rights(database, JANE, "a") == ALL
    assert rights(database, JANE, "$a") == set()


async def test_metadata_that_is_none(database: Database) -> None:
    """The defaults hold then."""
    await write(database, "$$a", {"$acl": {"$r": [], "$w": 1}})
    assert rights(database, JANE, "a") == ALL


async def test_settings_that_were_deleted(database: Database) -> None:
    """The defaults hold again."""
    await write(database, "$settings", {"$userStreamAcl": {"$r": []}})
    assert rights(database, JANE, "a") == ALL - {Right.READ}
    await database.delete("$settings")
    assert rights(database, JANE, "a") == ALL


def test_where_rights_come_from(database: Database) -> None:
    """Whoever watches these streams learns of every change."""
    assert Rights(database).sources("a") == ("$$a", "$settings")
    assert Rights(database).sources("$$a") == ("$$a", "$settings")
    assert Rights(database).sources("$all") == ("$$$all", "$settings")
