"""Deciding about several streams at once."""

from __future__ import annotations

from typing import assert_type

import pytest

from fastapi_esdb import (
    NO_STREAM,
    Connection,
    ConsistencyViolation,
    Loaded,
    NotSupported,
    connect,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.embedded.binding import AnyMethod, Binding
from fastapi_esdb.embedded.calls import Handler
from fastapi_esdb.errors import InvalidArgument
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS
from tests.api.deciders.accounts import Account, AccountDecider, MutableAccount, Overdrawn, put, take
from tests.support.lost_answers import lose_answers
from tests.support.target import own_server
from tests.support.waiting import PATIENCE, UNANSWERED


async def types(esdb: Connection, stream: str) -> list[str]:
    return [event.type for event in await esdb.read(stream, missing_ok=True).to_list()]


async def test_all_is_written(esdb: Connection) -> None:
    """To streams that were loaded, that are new, and that were never looked at."""
    await esdb.append("a", put(5))
    async with esdb.decision() as decision:
        giving = await decision.load("a", AccountDecider)
        getting = await decision.load("b", MutableAccount)
        assert_type(giving, Loaded[Account])
        assert_type(getting, Loaded[MutableAccount])
        decision.append("a", take(giving.state, 3))
        decision.append("b", [put(1), put(2)])
        decision.append("log", put(0))
        assert decision.result is None
    assert decision.result is not None
    assert dict(decision.result.revisions) == {"a": 1, "b": 1, "log": 0}
    assert (giving.revision, getting.revision) == (0, NO_STREAM)
    assert [await types(esdb, stream) for stream in ("a", "b", "log")] == [["Put", "Taken"], ["Put", "Put"], ["Put"]]


@pytest.mark.parametrize("moved", ["a", "b", "only looked at"])
async def test_a_stream_has_moved(esdb: Connection, moved: str) -> None:
    """The error names it, also if nothing was to be written to it, and nothing was written."""
    decision = esdb.decision()

    async def decide() -> None:
        async with decision:
            for stream in ("a", "b", "only looked at"):
                await decision.load(stream, AccountDecider)
            await esdb.append(moved, put(7))
            await decision.load(moved, AccountDecider)  # what was decided before was decided by the old state
            decision.append("a", put(1))
            decision.append("b", put(2))

    with pytest.raises(ConsistencyViolation) as caught:
        await decide()
    assert [violation.stream for violation in caught.value.violations] == [moved]
    assert decision.result is None
    assert {stream: await types(esdb, stream) for stream in ("a", "b")} == {"a": [], "b": []} | (
        {} if moved == "only looked at" else {moved: ["Put"]}
    )


async def test_a_refusal(esdb: Connection) -> None:
    """Leaves the block, and nothing is written."""

    async def decide() -> None:
        async with esdb.decision() as decision:
            decision.append("b", put(3))
            decision.append("a", take((await decision.load("a", AccountDecider)).state, 3))

    with pytest.raises(Overdrawn):
        await decide()
    assert await types(esdb, "b") == []


async def test_nothing_is_decided(esdb: Connection) -> None:
    """Then nothing is sent."""
    async with esdb.decision() as decision:
        await decision.load("a", AccountDecider)
        decision.append("a", None)
    assert decision.result is None


async def test_its_states_are_for_looking_at(esdb: Connection) -> None:
    """What was decided by one of them alone would be no part of the whole."""
    async with esdb.decision() as decision:
        loaded = await decision.load("a", AccountDecider)
        with pytest.raises(InvalidArgument, match="part of a joint decision"):
            await loaded.decide(take, 1)
        with pytest.raises(InvalidArgument, match="NewEvent"):
            decision.append("a", 5)  # type: ignore[arg-type]  # which is what it is about


async def test_it_is_for_one_block(esdb: Connection) -> None:
    """What is appended outside of it would be lost, and what is appended in a second one would be there twice."""
    decision = esdb.decision()
    with pytest.raises(InvalidArgument, match="are for its block: `async with"):
        decision.append("s", put(1))
    with pytest.raises(InvalidArgument, match="are for its block: `async with"):
        await decision.load("s", AccountDecider)
    async with decision:
        decision.append("s", put(1))
    with pytest.raises(InvalidArgument, match="are for its block"):
        decision.append("s", put(1))
    with pytest.raises(InvalidArgument, match="can't be entered again"):
        await decision.__aenter__()
    assert await types(esdb, "s") == ["Put"]


async def test_a_deleted_stream(esdb: Connection) -> None:
    """Is one without events, and can be written to."""
    await esdb.append("a", put(5))
    await esdb.delete("a")
    async with esdb.decision() as decision:
        assert not (await decision.load("a", AccountDecider)).exists
        decision.append("a", put(1))
    assert await types(esdb, "a") == ["Put"]


@own_server
async def test_a_server_without_append_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The states are loaded; leaving the block says which servers have the call, and nothing is written."""
    bind = Binding.bind

    def bind_others(binding: Binding, method: AnyMethod, handler: Handler) -> None:
        if method is not APPEND_RECORDS:
            bind(binding, method, handler)

    monkeypatch.setattr(Binding, "bind", bind_others)
    async with EmbeddedServer() as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.append("a", put(5))

        async def decide() -> None:
            async with esdb.decision() as decision:
                assert (await decision.load("a", AccountDecider)).state.cents == 5
                decision.append("a", put(1))
                decision.append("b", put(1))

        with pytest.raises(NotSupported, match=r"AppendRecords; servers have it from 26\.0\.3 on"):
            await decide()
        assert [await types(esdb, stream) for stream in ("a", "b")] == [["Put"], []]


async def test_a_lost_answer(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Is found out: all is there, once."""
    await esdb.append("a", put(5))
    answers = lose_answers(esdb_server, "AppendRecords")
    async with esdb.decision(timeout=2 * UNANSWERED) as decision:
        await decision.load("a", AccountDecider)
        decision.append("a", put(1))
        decision.append("b", put(1))
    assert answers.happened == 1
    assert [await types(esdb, stream) for stream in ("a", "b")] == [["Put", "Put"], ["Put"]]
