"""Making, changing and looking at consumer groups."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from fastapi_esdb import filters, parked_stream
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.persistent_subscriptions import PersistentSubscriptions
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import OutcomeUnknown, ReadOnlyConnection
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import (
    AccessDenied,
    DeadlineExceeded,
    GroupExists,
    GroupFailed,
    GroupNotFound,
    InvalidArgument,
)
from fastapi_esdb.wire.groups.values import ConsumerStrategy, GroupSettings, NackAction
from fastapi_esdb.wire.positions import END, START, Position
from fastapi_esdb.wire.streams.values import ALL
from tests.api.consuming import append, filled, shown
from tests.support.lost_answers import lose_answers
from tests.support.target import own_server
from tests.support.waiting import PATIENCE, UNANSWERED, take, until

Call = Callable[[PersistentSubscriptions], Coroutine[Any, Any, object]]

SETTINGS = GroupSettings(
    resolve_links=True,
    extra_statistics=True,
    message_timeout_ms=1,
    max_retry_count=2,
    checkpoint_after_ms=3,
    min_checkpoint_count=4,
    max_checkpoint_count=5,
    max_subscriber_count=6,
    live_buffer_size=7,
    read_batch_size=8,
    history_buffer_size=9,
    strategy=ConsumerStrategy.PINNED,
)
"""Other than the defaults in every respect."""


@pytest.fixture
def groups(esdb: Connection) -> PersistentSubscriptions:
    return esdb.persistent_subscriptions


async def test_a_group_has_the_settings_it_was_created_with(groups: PersistentSubscriptions) -> None:
    """Each of them arrives."""
    await groups.create("s", "g", SETTINGS, start=START)
    info = await groups.info("s", "g")
    assert (info.source, info.group, info.settings) == ("s", "g", SETTINGS)
    assert not info.connections


@pytest.mark.parametrize("strategy", ConsumerStrategy)
async def test_every_strategy_can_be_chosen(groups: PersistentSubscriptions, strategy: ConsumerStrategy) -> None:
    """When a group is created, also the one that an update can't say."""
    await groups.create("s", "g", GroupSettings(strategy=strategy), start=START)
    assert (await groups.info("s", "g")).settings.strategy == strategy


@pytest.mark.parametrize(("start", "first"), [(START, 0), (2, 2), (END, 4)])
async def test_a_group_begins_where_it_is_told_to(
    esdb: Connection, groups: PersistentSubscriptions, start: Any, first: int
) -> None:
    """The event at the start is delivered, too."""
    await append(esdb, 4)
    await groups.create("s", "g", start=start)
    await append(esdb)
    async with groups.consume("s", "g") as events:
        assert [event.revision for event in await take(events, 1)] == [first]


async def test_a_group_of_all_begins_at_a_position_and_lets_through_what_its_filter_does(
    esdb: Connection, groups: PersistentSubscriptions
) -> None:
    """The source of such a group is called $all."""
    for stream in ("a-1", "b-1", "a-2", "b-2", "a-3"):
        position = (await esdb.append(stream, NewEvent("T", {}))).position
        if stream == "b-1":
            assert position is not None
            start = position
    await groups.create(ALL, "g", start=start, filter=filters.by_stream("a-"))
    assert (await groups.info(ALL, "g")).start == start
    async with groups.consume(ALL, "g") as events:
        assert [event.stream for event in await take(events, 2)] == ["a-2", "a-3"]


async def test_a_group_can_be_created_once(groups: PersistentSubscriptions) -> None:
    """Under the same name there may be one of each source."""
    await groups.create("s", "g", start=START)
    await groups.create("t", "g", start=START)
    with pytest.raises(GroupExists) as caught:
        await groups.create("s", "g", start=START)
    assert (caught.value.stream, caught.value.group) == ("s", "g")


@own_server
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (GroupSettings(strategy="Whatever"), "Whatever does not exist"),
        (GroupSettings(read_batch_size=10, history_buffer_size=10), "ReadBatchSize"),
    ],
)
async def test_settings_that_the_server_refuses(
    groups: PersistentSubscriptions, settings: GroupSettings, reason: str
) -> None:
    """Its reason is in the error, and there is no group."""
    with pytest.raises(GroupFailed, match=reason):
        await groups.create("s", "g", settings, start=START)
    assert await groups.list() == ()


async def test_an_update_replaces_all_settings(groups: PersistentSubscriptions) -> None:
    """Those that it does not name get their defaults."""
    await groups.create("s", "g", SETTINGS, start=START)
    await groups.update("s", "g", GroupSettings(max_retry_count=77), start=START)
    assert (await groups.info("s", "g")).settings == GroupSettings(max_retry_count=77)


async def test_an_update_may_move_the_start_of_a_group_without_progress(
    esdb: Connection, groups: PersistentSubscriptions
) -> None:
    """Of a stream it is a revision, of $all a position."""
    await groups.create("s", "g", start=START)
    await groups.create(ALL, "g", start=START)
    position = (await esdb.append("s", [NewEvent("T", {}) for _ in range(4)])).position
    assert position is not None
    await groups.update("s", "g", start=3)
    await groups.update(ALL, "g", start=position)
    assert (await groups.info("s", "g")).start == 3
    assert (await groups.info(ALL, "g")).start == position


@own_server
async def test_a_deleted_group_is_gone(groups: PersistentSubscriptions) -> None:
    """Others stay."""
    await groups.create("s", "g", start=START)
    await groups.create("s", "h", start=START)
    await groups.delete("s", "g")
    assert [info.group for info in await groups.list()] == ["h"]


async def test_a_deleted_group_leaves_nothing_to_another_of_its_name(
    esdb: Connection, groups: PersistentSubscriptions
) -> None:
    """Neither progress nor parked events."""
    await parked(esdb, 1)
    await groups.delete("s", "g")
    await groups.create("s", "g", start=START)
    assert (await groups.info("s", "g")).parked == 0
    async with groups.consume("s", "g") as events:
        assert [(event.revision, event.retry_count) for event in await take(events, 1)] == [(0, 0)]


async def test_what_a_group_says_of_its_consumers(groups: PersistentSubscriptions, esdb: Connection) -> None:
    """Each with what is under way to it."""
    await filled(esdb, 5)
    async with groups.consume("s", "g", buffer=3) as events:
        await take(events, 1)
        [consumer] = (await groups.info("s", "g")).connections
    assert consumer.name == "fastapi-esdb-default"
    assert (consumer.in_flight, consumer.available_slots) == (3, 0)


@own_server
async def test_lists_of_groups(groups: PersistentSubscriptions) -> None:
    """All of them, those of a stream, those of $all."""
    for source, group in (("s", "g"), ("s", "h"), ("t", "g"), (ALL, "g")):
        await groups.create(source, group, start=START)
    assert sorted((info.source, info.group) for info in await groups.list()) == [
        (ALL, "g"),
        ("s", "g"),
        ("s", "h"),
        ("t", "g"),
    ]
    assert [info.group for info in await groups.list("s")] == ["g", "h"]
    assert [info.source for info in await groups.list(ALL)] == [ALL]


@own_server
async def test_a_stream_without_groups(groups: PersistentSubscriptions) -> None:
    """It is an error to list them, while an empty server has an empty list."""
    assert await groups.list() == ()
    with pytest.raises(GroupNotFound):
        await groups.list("s")


async def parked(esdb: Connection, count: int) -> None:
    """A group with so many parked events."""
    await filled(esdb, count)
    async with esdb.persistent_subscriptions.consume("s", "g") as events:
        await events.nack(*await take(events, count), action=NackAction.PARK)
    await shown(esdb, lambda info: info.parked == count)


@pytest.mark.parametrize(("stop_at", "again"), [(None, [0, 1, 2]), (2, [0, 1])])
async def test_parked_events_are_delivered_again_on_request(
    esdb: Connection, groups: PersistentSubscriptions, stop_at: int | None, again: list[int]
) -> None:
    """All of them, or those before a revision of the stream that they are parked in."""
    await parked(esdb, 3)
    await groups.replay_parked("s", "g", stop_at=stop_at)
    async with groups.consume("s", "g") as events:
        replayed = await take(events, len(again))
        await events.ack(*replayed)
    assert [event.revision for event in replayed] == again
    await shown(esdb, lambda info: info.parked == 3 - len(again))


@pytest.mark.parametrize(("stop_at", "left"), [(None, []), (0, [0, 1, 2]), (2, [2]), (99, [])])
async def test_parked_events_are_dropped(
    esdb: Connection, groups: PersistentSubscriptions, stop_at: int | None, left: list[int]
) -> None:
    """All of them, or those before a revision of the stream that they are parked in; these never come back."""
    await parked(esdb, 3)
    await groups.truncate_parked("s", "g", stop_at=stop_at)
    await shown(esdb, lambda info: info.parked == len(left))
    await groups.truncate_parked("s", "g", stop_at=1)
    kept = [number for number in left if number >= 1]
    stream = parked_stream("s", "g")
    assert [event.revision for event in await esdb.read(stream, missing_ok=True).to_list()] == kept
    await groups.replay_parked("s", "g")
    async with groups.consume("s", "g") as events:
        assert [event.revision for event in await take(events, len(kept))] == kept


async def test_after_a_restart_of_the_groups_all_is_as_before(groups: PersistentSubscriptions) -> None:
    """Apart from the consumers, which have to come back."""
    await groups.create("s", "g", SETTINGS, start=START)
    await groups.restart()
    assert (await groups.info("s", "g")).settings == SETTINGS


ON_A_MISSING_GROUP: dict[str, Call] = {
    "update": lambda groups: groups.update("s", "g", start=START),
    "delete": lambda groups: groups.delete("s", "g"),
    "info": lambda groups: groups.info("s", "g"),
    "info of $all": lambda groups: groups.info(ALL, "g"),
    "replay": lambda groups: groups.replay_parked("s", "g"),
    "truncate": lambda groups: groups.truncate_parked("s", "g"),
    "consume": lambda groups: groups.consume("s", "g").__aenter__(),
}


@pytest.mark.parametrize("call", ON_A_MISSING_GROUP.values(), ids=ON_A_MISSING_GROUP.keys())
async def test_a_group_that_is_not_there(groups: PersistentSubscriptions, call: Call) -> None:
    """Whatever is asked of it."""
    with pytest.raises(GroupNotFound) as caught:
        await call(groups)
    assert caught.value.group == "g"


BAD: dict[str, tuple[Call, str]] = {
    "no stream": (lambda groups: groups.create("", "g", start=START), "stream must be a text of at least one"),
    "no group": (lambda groups: groups.info("s", ""), "group must be a text of at least one"),
    "a group that is none": (lambda groups: groups.delete("s", "g\ud800"), "group .* UTF-8 cannot encode"),
    "a position in a stream": (
        lambda groups: groups.create("s", "g", start=Position(1, 1)),
        "start must be a revision",
    ),
    "a revision in $all": (lambda groups: groups.update(ALL, "g", start=1), "start must be a Position"),
    "a negative number": (
        lambda groups: groups.create("s", "g", GroupSettings(max_retry_count=-1), start=START),
        "settings.max_retry_count must be between 0 and",
    ),
    "too large a number": (
        lambda groups: groups.update("s", "g", GroupSettings(message_timeout_ms=2**31), start=START),
        "settings.message_timeout_ms must be between 0 and 2147483647",
    ),
    "a number that is none": (
        lambda groups: groups.create("s", "g", replace(SETTINGS, live_buffer_size=1.5), start=START),  # type: ignore[arg-type]  # meant
        "settings.live_buffer_size must be a whole number",
    ),
    "no strategy": (
        lambda groups: groups.create("s", "g", GroupSettings(strategy=""), start=START),
        "settings.strategy must be",
    ),
    "a strategy that an update can't say": (
        lambda groups: groups.update(
            "s", "g", GroupSettings(strategy=ConsumerStrategy.PINNED_BY_CORRELATION), start=START
        ),
        "PinnedByCorrelation cannot be set by an update",
    ),
    "a filter of a stream": (
        lambda groups: groups.create("s", "g", filter=filters.by_type("T"), start=START),
        r"filter is for '\$all' only",
    ),
    "a negative end": (lambda groups: groups.replay_parked("s", "g", stop_at=-1), "stop_at must be between 0"),
    "a negative bound": (lambda groups: groups.truncate_parked("s", "g", stop_at=-1), "stop_at must be between 0"),
    "no buffer": (lambda groups: groups.consume("s", "g", buffer=0).__aenter__(), "buffer must be between 1"),
    "no time": (lambda groups: groups.info("s", "g", timeout=-1), "timeout must be a number of seconds"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
async def test_what_can_not_be_is_refused_by_name(
    groups: PersistentSubscriptions, esdb_server: EmbeddedServer, call: Call, message: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgument, match=message):
        await call(groups)
    assert not esdb_server.open_calls


async def test_an_option_that_is_none(groups: PersistentSubscriptions) -> None:
    """It is a TypeError, as with every function."""
    with pytest.raises(TypeError, match="deadline"):
        await groups.info("s", "g", deadline=1)  # type: ignore[call-arg]  # it is what is tested


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Create", lambda groups: groups.create("s", "g", start=START, timeout=UNANSWERED)),
        ("Update", lambda groups: groups.update("s", "there", start=START, timeout=UNANSWERED)),
        ("Delete", lambda groups: groups.delete("s", "there", timeout=UNANSWERED)),
        ("ReplayParked", lambda groups: groups.replay_parked("s", "there", timeout=UNANSWERED)),
        ("RestartSubsystem", lambda groups: groups.restart(timeout=UNANSWERED)),
    ],
)
async def test_a_change_without_answer_leaves_the_outcome_unknown(
    groups: PersistentSubscriptions, esdb_server: EmbeddedServer, name: str, call: Call
) -> None:
    """It may have happened, so it is not made again."""
    await groups.create("s", "there", start=START)
    answers = lose_answers(esdb_server, name)
    with pytest.raises(OutcomeUnknown) as caught:
        await call(groups)
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert answers.happened == 1


async def test_a_read_only_connection_looks_and_changes_nothing(groups: PersistentSubscriptions, target: str) -> None:
    """Consuming changes something, too."""
    await groups.create("s", "g", start=START)
    async with connect(EsdbSettings(connection_string=target, read_only=True)) as esdb:
        await esdb.wait_connected(PATIENCE)
        assert len(await esdb.persistent_subscriptions.list("s")) == 1
        with pytest.raises(ReadOnlyConnection):
            await esdb.persistent_subscriptions.delete("s", "g")
        with pytest.raises(ReadOnlyConnection):
            await esdb.persistent_subscriptions.consume("s", "g").__aenter__()


async def test_credentials_of_one_call() -> None:
    """Groups are an operator's business."""
    operator = Credentials("ops", SecretStr("changeit"))
    async with EmbeddedServer(secure=True) as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        groups = esdb.persistent_subscriptions
        with pytest.raises(AccessDenied):
            await groups.create("s", "g", start=START)
        await groups.create("s", "g", credentials=operator, start=START)
        async with groups.consume("s", "g", credentials=operator) as events:
            await esdb.append("s", NewEvent("T", {}), credentials=operator)
            assert len(await take(events, 1)) == 1
        await until(lambda: esdb.pool.stats()["streams_open"] == 0)
