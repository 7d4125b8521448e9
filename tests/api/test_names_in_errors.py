"""Errors name what they are about as the caller did, whatever letters that has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fastapi_esdb import NO_STREAM, START, Connection, NewEvent, StreamMetadata, filters
from fastapi_esdb.errors import (
    EsdbError,
    GroupExists,
    GroupNotFound,
    IndexNotFound,
    StreamDeleted,
    StreamNotFound,
    UserNotFound,
    WrongExpectedRevision,
)
from fastapi_esdb.settings.choices import AppendMode
from tests.support.secure import as_admin
from tests.support.waiting import PATIENCE

GONE, MISSING, GROUP, LOGIN = "Bestellung-Müller", "注文 100%", "Prüfung 50%25", "Jürgen"
EVENT = NewEvent("OrderPlaced", {})

Calls = dict[str, tuple[Callable[[Connection], Awaitable[Any]], EsdbError]]


async def follow(events: Any) -> None:
    async with events:
        async for _ in events:
            pass


APPENDS: Calls = {
    "append": (lambda esdb: esdb.append(GONE, EVENT), StreamDeleted(GONE)),
    "append with an expectation": (lambda esdb: esdb.append(GONE, EVENT, expected=NO_STREAM), StreamDeleted(GONE)),
    "append of nothing": (lambda esdb: esdb.append(GONE, []), StreamDeleted(GONE)),
    "append elsewhere": (
        lambda esdb: esdb.append(MISSING, EVENT, expected=5),
        WrongExpectedRevision(MISSING, 5, NO_STREAM),
    ),
    "set_metadata": (
        lambda esdb: esdb.set_metadata(GONE, StreamMetadata(max_count=3)),
        StreamDeleted(f"$${GONE}"),
    ),
}

OTHERS: Calls = {
    "get_metadata": (lambda esdb: esdb.get_metadata(GONE), StreamDeleted(f"$${GONE}")),
    "read": (lambda esdb: esdb.read(GONE).to_list(), StreamDeleted(GONE)),
    "read of few": (lambda esdb: esdb.read(GONE, limit=3).to_list(), StreamDeleted(GONE)),
    "read of a missing stream": (lambda esdb: esdb.read(MISSING).to_list(), StreamNotFound(MISSING)),
    "read of an index": (
        lambda esdb: esdb.read_all(filter=filters.by_stream("$idx-ü")).to_list(),
        IndexNotFound("$idx-ü"),
    ),
    "subscribe": (lambda esdb: follow(esdb.subscribe(GONE)), StreamDeleted(GONE)),
    "delete": (lambda esdb: esdb.delete(MISSING, expected=3), WrongExpectedRevision(MISSING, 3, NO_STREAM)),
    "tombstone": (lambda esdb: esdb.tombstone(GONE), StreamDeleted(GONE)),
    "create a group": (
        lambda esdb: esdb.persistent_subscriptions.create("taken", GROUP, start=START),
        GroupExists("taken", GROUP),
    ),
    "update a group": (
        lambda esdb: esdb.persistent_subscriptions.update(MISSING, GROUP, start=START),
        GroupNotFound(MISSING, GROUP),
    ),
    "delete a group": (
        lambda esdb: esdb.persistent_subscriptions.delete(MISSING, GROUP),
        GroupNotFound(MISSING, GROUP),
    ),
    "describe a group": (
        lambda esdb: esdb.persistent_subscriptions.info(MISSING, GROUP),
        GroupNotFound(MISSING, GROUP),
    ),
    "list groups": (lambda esdb: esdb.persistent_subscriptions.list(MISSING), GroupNotFound(MISSING, "")),
    "replay a group": (
        lambda esdb: esdb.persistent_subscriptions.replay_parked(MISSING, GROUP),
        GroupNotFound(MISSING, GROUP),
    ),
    "truncate a group": (
        lambda esdb: esdb.persistent_subscriptions.truncate_parked(MISSING, GROUP),
        GroupNotFound(MISSING, GROUP),
    ),
    "consume": (
        lambda esdb: follow(esdb.persistent_subscriptions.consume(MISSING, GROUP)),
        GroupNotFound(MISSING, GROUP),
    ),
    "consume $all": (
        lambda esdb: follow(esdb.persistent_subscriptions.consume("$all", GROUP)),
        GroupNotFound("$all", GROUP),
    ),
}


@pytest.fixture
async def prepared(esdb: Connection) -> Connection:
    """With a tombstone and a group."""
    await esdb.append(GONE, EVENT)
    await esdb.tombstone(GONE)
    await esdb.persistent_subscriptions.create("taken", GROUP, start=START)
    return esdb


async def assert_names(esdb: Connection, calls: Calls) -> None:
    for name, (call, expected) in calls.items():
        with pytest.raises(type(expected)) as raised:
            await call(esdb)
        assert (name, str(raised.value)) == (name, str(expected))
        assert vars(raised.value).items() >= vars(expected).items(), name


@pytest.mark.parametrize("append_mode", list(AppendMode))
async def test_appends_name_the_stream_as_it_was_given(prepared: Connection) -> None:
    """Over each of the calls that an append can travel in."""
    await assert_names(prepared, APPENDS)


async def test_all_other_calls_name_streams_and_groups_as_they_were_given(prepared: Connection) -> None:
    """Beyond ASCII, with a percent sign, and with what looks like an encoding and is none."""
    await assert_names(prepared, OTHERS)


async def test_calls_for_users_name_them_as_they_were_given() -> None:
    """Each call that is about one user."""
    async with as_admin() as esdb:
        await esdb.wait_connected(PATIENCE)
        for call in (
            esdb.users.update(LOGIN, full_name="J"),
            esdb.users.delete(LOGIN),
            esdb.users.enable(LOGIN),
            esdb.users.disable(LOGIN),
            esdb.users.reset_password(LOGIN, "new"),
            esdb.users.details(LOGIN),
        ):
            with pytest.raises(UserNotFound, match=f"^there is no user '{LOGIN}'$"):
                await call
