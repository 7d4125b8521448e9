"""What servers can't mean and users can write all the same: it is told as such, or as not known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fastapi_esdb import Connection, NewEvent, Position, StreamMetadata, connect
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.users import USER_DETAILS
from fastapi_esdb.wire.errors import InvalidArgument, NoAnswer
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import CaughtUp, Checkpoint, FellBehind
from tests.support.fake_server import Call, FakeServer, replies, stays_open
from tests.support.waiting import PATIENCE

UNAVAILABLE = 14
HUGE = 10**5000
DEEP = b"[" * 100_000 + b"]" * 100_000
LATE = 2**62
"""Seconds, or ticks, that no calendar reaches."""


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as running:
        yield running


@pytest.fixture
async def fake(server: FakeServer) -> AsyncIterator[Connection]:
    async with connect(EsdbSettings(connection_string=server.connection_string)) as connection:
        yield connection


def event(**recorded: Any) -> bytes:
    """A frame with an event."""
    found = {"id": {"string": "5f5b2a9e-7bd1-4a3e-9a52-3d1f3f4e8a11"}, "metadata": {"created": "0"}, **recorded}
    data: bytes = READ.response.message(event={"event": found}).SerializeToString()
    return data


async def only(fake: Connection, server: FakeServer, data: bytes) -> RecordedEvent:
    server.on(READ, replies(data))
    (found,) = await fake.read("s", limit=1).to_list()
    return found


@pytest.mark.parametrize("created", ["", "x", "9" * 5000, str(LATE), "-" + "9" * 30])
async def test_a_moment_that_is_none(fake: Connection, server: FakeServer, created: str) -> None:
    """The rest of the event can be read, and it can be shown."""
    found = await only(fake, server, event(metadata={"created": created, "type": "T"}))
    assert found.type == "T"
    with pytest.raises(NoAnswer):
        _ = found.created
    assert "created=<unreadable>" in repr(found)


async def test_a_position_that_no_server_has(fake: Connection, server: FakeServer) -> None:
    """A subscription that comes back goes on from there."""
    asked: list[int] = []
    frames = [event(commit_position=commit, prepare_position=commit) for commit in (2**63 + 5, 2**64 - 2)]

    async def gives_one(call: Call) -> None:
        request: Any = READ.request.message.FromString(await call.receive() or b"")
        asked.append(request.options.all.position.commit_position)
        await call.send(frames.pop(0))
        await (call.end(UNAVAILABLE) if frames else call.gone.wait())

    server.on(READ, gives_one)
    async with asyncio.timeout(PATIENCE), fake.subscribe_all() as events:
        positions = [(await anext(events)).position for _ in range(2)]
    assert positions == [Position(2**63 + 5, 2**63 + 5), Position(2**64 - 2, 2**64 - 2)]
    assert asked == [0, 2**63 + 5]


@pytest.mark.parametrize("odd", ["x", "\x00"])
async def test_an_id_that_is_none(fake: Connection, server: FakeServer, odd: str) -> None:
    """The same, also where there is no id at all."""
    for id_ in ({"string": odd}, {}):
        found = await only(fake, server, event(id=id_))
        with pytest.raises(NoAnswer):
            _ = found.id
        assert "id=<unreadable>" in repr(found)


@pytest.mark.parametrize("data", [DEEP, b"\xff\xfe\x00", b"1" * 5000, b"nonsense", b""], ids=range(5))
async def test_data_that_is_no_json(fake: Connection, server: FakeServer, data: bytes) -> None:
    """Raises one error, whatever is wrong with it."""
    found = await only(fake, server, event(data=data, custom_metadata=data or b"{"))
    with pytest.raises(json.JSONDecodeError):
        found.json()
    with pytest.raises(json.JSONDecodeError):
        found.json_metadata()
    assert repr(found)


@pytest.mark.parametrize(
    "data", [DEEP, b'{"$maxCount":' + b"1" * 5000 + b"}", b'{"$acl":' + b"[" * 900 + b"]" * 900 + b"}"], ids=range(3)
)
async def test_metadata_that_any_user_can_write(esdb: Connection, data: bytes) -> None:
    """Is no metadata, as it is none for the server."""
    await esdb.append("$$s", NewEvent("$metadata", data, content_type="application/json"))
    found = await esdb.get_metadata("s")
    assert found == StreamMetadata(revision=0)


async def test_moments_of_frames_and_users(fake: Connection, server: FakeServer) -> None:
    """Which are beyond all calendars are not known."""
    late = {"timestamp": {"seconds": LATE}}
    frames = [
        READ.response.message(confirmation={"subscription_id": "x"}),
        READ.response.message(checkpoint={"commit_position": 1, "prepare_position": 1, **late}),
        READ.response.message(caught_up=late),
        READ.response.message(fell_behind=late),
    ]
    server.on(READ, stays_open(*(frame.SerializeToString() for frame in frames)))
    async with fake.subscribe_all() as subscription:
        messages = subscription.messages()
        found = [await anext(messages) for _ in range(3)]
    assert [type(message) for message in found] == [Checkpoint, CaughtUp, FellBehind]
    assert [message.timestamp for message in found if not isinstance(message, RecordedEvent)] == [None] * 3
    user = {"login_name": "u", "last_updated": {"ticks_since_epoch": LATE}}
    details = USER_DETAILS.response.message(user_details=user)
    server.on(USER_DETAILS, replies(details.SerializeToString()))
    assert (await fake.users.details("u")).last_updated is None


async def test_numbers_that_python_does_not_print(esdb: Connection) -> None:
    """Are refused like any other that is too large: the error does not show them."""
    calls: list[Callable[[], object]] = [
        lambda: esdb.read("s", limit=HUGE),
        lambda: esdb.read("s", start=HUGE),
        lambda: esdb.read("s", start=-HUGE),
        lambda: esdb.subscribe("s", after=HUGE),
        lambda: StreamMetadata(max_count=HUGE),
        lambda: NewEvent("T", {}, id=HUGE),  # type: ignore[arg-type]
        lambda: NewEvent("T", HUGE),
        lambda: NewEvent(HUGE, {}),  # type: ignore[arg-type]
        lambda: esdb.stats(-HUGE),
        lambda: esdb.read("s", timeout=-HUGE),
        lambda: esdb.subscribe(HUGE),  # type: ignore[call-overload]
    ]
    for call in calls:
        with pytest.raises(InvalidArgument):
            call()
    with pytest.raises(InvalidArgument):
        await esdb.append("s", NewEvent("T", {}), expected=HUGE)
    with pytest.raises(InvalidArgument):
        await esdb.append("s", HUGE)  # type: ignore[arg-type]
