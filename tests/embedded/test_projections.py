"""The Projections service through a socket."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kurrentdbclient import AsyncKurrentDBClient, NewEvent, StreamState

from fastapi_esdb.embedded.projections import script
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS
from fastapi_esdb.wire.admin.users import CREATE_USER, CreateUser
from fastapi_esdb.wire.codec.json_values import Json
from fastapi_esdb.wire.errors import AccessDenied, InvalidArgument, ProjectionFailed, ProjectionNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.headers import basic
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.projections import methods
from fastapi_esdb.wire.projections.values import (
    CreateProjection,
    DeleteProjection,
    DisableProjection,
    EnableProjection,
    ProjectionMode,
    ProjectionStatistics,
    ResetProjection,
    StateRequest,
    StatisticsRequest,
    UpdateProjection,
)
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams.values import AppendOptions, ReadRequest
from tests.support.bare_client import BareClient, connected, event
from tests.support.processes import Running, python
from tests.support.waiting import PATIENCE

COUNT = "fromStream('a').when({$init: () => ({n: 0}), T(s, e) { s.n++ }}).transformBy(s => ({double: s.n * 2}))"
CREATE = CreateProjection(COUNT, "p")
ADMIN = [("authorization", basic("admin", "changeit"))]
USER = [("authorization", basic("user", "secret"))]


async def state(client: BareClient, name: str = "p", partition: str = "") -> Json:
    [answer] = await client.call(methods.PROJECTION_STATE, StateRequest(name, partition))
    return answer


async def result(client: BareClient, name: str = "p") -> Json:
    [answer] = await client.call(methods.PROJECTION_RESULT, StateRequest(name))
    return answer


async def statistics(client: BareClient, name: str = "p") -> ProjectionStatistics:
    [answer] = await client.call(methods.PROJECTION_STATISTICS, StatisticsRequest(name))
    return answer


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again: the protocol has no call that waits for a projection."""
    async with asyncio.timeout(PATIENCE):
        while not await ask():  # noqa: ASYNC110 - as the docstring says
            await asyncio.sleep(0.01)


async def counted(client: BareClient, count: int) -> None:
    async def is_counted() -> bool:
        return await state(client) == {"n": count}

    await until(is_counted)


async def with_status(client: BareClient, status: str, name: str = "p") -> ProjectionStatistics:
    async def has_status() -> bool:
        return (await statistics(client, name)).status == status

    await until(has_status)
    return await statistics(client, name)


async def test_from_creation_to_deletion(client: BareClient) -> None:
    """Every call, in the order in which one would make them."""
    await client.write("a", 2)
    assert await client.call(methods.CREATE_PROJECTION, CREATE) == [None]
    await counted(client, 2)
    assert await result(client) == {"double": 4}
    assert await client.call(methods.DISABLE_PROJECTION, DisableProjection("p")) == [None]
    assert (await statistics(client)).status == "Stopped"
    await client.write("a")
    assert await client.call(methods.ENABLE_PROJECTION, EnableProjection("p")) == [None]
    await counted(client, 3)
    assert await client.call(methods.RESET_PROJECTION, ResetProjection("p")) == [None]
    await counted(client, 3)
    update = UpdateProjection("p", COUNT.replace("s.n++", "s.n += 10"))
    assert await client.call(methods.UPDATE_PROJECTION, update) == [None]
    await client.write("a")
    await counted(client, 13)
    assert await client.call(methods.RESTART_PROJECTIONS, None) == [None]
    await counted(client, 13)
    assert await client.call(methods.DISABLE_PROJECTION, DisableProjection("p", write_checkpoint=False)) == [None]
    assert (await statistics(client)).status == "Aborted/Stopped"
    await client.call(methods.DISABLE_PROJECTION, DisableProjection("p"))
    assert await client.call(methods.DELETE_PROJECTION, DeleteProjection("p")) == [None]
    with pytest.raises(ProjectionNotFound):
        await state(client)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        (methods.UPDATE_PROJECTION, UpdateProjection("none", COUNT)),
        (methods.DELETE_PROJECTION, DeleteProjection("none")),
        (methods.ENABLE_PROJECTION, EnableProjection("none")),
        (methods.DISABLE_PROJECTION, DisableProjection("none")),
        (methods.RESET_PROJECTION, ResetProjection("none")),
        (methods.PROJECTION_STATE, StateRequest("none")),
        (methods.PROJECTION_RESULT, StateRequest("none")),
        (methods.PROJECTION_STATISTICS, StatisticsRequest("none")),
    ],
)
async def test_what_is_not_there(client: BareClient, method: Method[Any, Any], request_: object) -> None:
    """Each call for a projection that isn't there says so."""
    with pytest.raises(ProjectionNotFound, match="Projection 'none' not found"):
        await client.call(method, request_)


async def test_conflicts(client: BareClient) -> None:
    """A name is given once, and a projection that runs is not deleted."""
    await client.call(methods.CREATE_PROJECTION, CREATE)
    with pytest.raises(ProjectionFailed, match="Conflict"):
        await client.call(methods.CREATE_PROJECTION, CREATE)
    with pytest.raises(ProjectionFailed, match="OperationFailed"):
        await client.call(methods.DELETE_PROJECTION, DeleteProjection("p"))


async def test_lists(client: BareClient) -> None:
    """Statistics tell of all projections, or of those of a mode."""
    await client.call(methods.CREATE_PROJECTION, CREATE)
    await client.call(methods.CREATE_PROJECTION, CreateProjection(COUNT, "t", ProjectionMode.TRANSIENT))
    everything = [one.name for one in await client.call(methods.PROJECTION_STATISTICS, StatisticsRequest())]
    assert sorted(everything) == [
        "$by_category",
        "$by_correlation_id",
        "$by_event_type",
        "$stream_by_category",
        "$streams",
        "p",
        "t",
    ]
    transient = StatisticsRequest(mode=ProjectionMode.TRANSIENT)
    assert [one.name for one in await client.call(methods.PROJECTION_STATISTICS, transient)] == ["t"]


async def test_states_before_there_are_any(client: BareClient) -> None:
    """A state that is not there yet is an empty object, of a partition too, and of a faulted projection."""
    await client.call(methods.CREATE_PROJECTION, CREATE)
    await client.call(methods.CREATE_PROJECTION, CreateProjection("no script", "q"))
    assert [await state(client), await state(client, partition="x"), await result(client)] == [{}] * 3
    assert await state(client, "q") == {}
    assert "SyntaxError" in (await statistics(client, "q")).state_reason


async def test_writing(client: BareClient) -> None:
    """What a projection emits and links is there for readers."""
    await client.append("a", event("T", b'{"n": 1}'))
    source = "fromStream('a').when({T(s, e) { emit('out', 'E', {was: e.data.n}); linkTo('links', e) }})"
    await client.call(methods.CREATE_PROJECTION, CreateProjection(source, "p", emit_enabled=True))

    async def is_written() -> bool:
        return bool(await client.read(ReadRequest("links")))

    await until(is_written)
    [emitted] = await client.read(ReadRequest("out"))
    assert (emitted.type, emitted.json()) == ("E", {"was": 1})
    [linked] = await client.read(ReadRequest("links", resolve_links=True))
    assert (linked.stream, linked.json()) == ("a", {"n": 1})


async def test_an_endless_handler(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that does not end faults its projection, and nobody else waits for it."""
    monkeypatch.setattr(script, "TIME_LIMIT", 0.2)
    await client.write("a")
    source = "fromStream('a').when({T() { while (true); }})"
    await client.call(methods.CREATE_PROJECTION, CreateProjection(source, "p"))
    await client.write("other", 3)
    faulted = await with_status(client, "Faulted (Enabled)")
    assert "took too long" in faulted.state_reason


async def test_a_projection_that_feeds_itself(client: BareClient) -> None:
    """While a projection writes to its own source without end, the server serves everybody else."""
    source = "fromAll().when({T(s, e) { emit('loop', 'T', {}) }})"
    await client.call(methods.CREATE_PROJECTION, CreateProjection(source, "p", emit_enabled=True))
    await client.write("a")
    for _ in range(30):
        await client.write("other")
    assert len(await client.read(ReadRequest("other"))) == 30
    await client.call(methods.DISABLE_PROJECTION, DisableProjection("p"))
    before = len(await client.read(ReadRequest("loop")))
    assert before > 1
    await client.write("other")
    assert len(await client.read(ReadRequest("loop"))) == before


async def test_a_restart_of_the_server(tmp_path: Path) -> None:
    """On disk, projections go on after a restart where they were, with their states."""
    server = EmbeddedServer(path=tmp_path / "events.db")
    async with server, connected(server.address) as client:
        await client.write("a", 2)
        await client.call(methods.CREATE_PROJECTION, CREATE)
        await client.call(methods.ENABLE_PROJECTION, EnableProjection("$by_category"))
        await counted(client, 2)
    async with server, connected(server.address) as client:
        assert (await statistics(client, "$by_category")).status == "Running"
        await client.write("a")
        await counted(client, 3)
        await until(partial(_has_handled, client, 1))


async def _has_handled(client: BareClient, count: int) -> bool:
    return (await statistics(client)).events_processed_after_restart == count


@asynccontextmanager
async def process(path: Path) -> AsyncIterator[tuple[Running, BareClient]]:
    """A server in a process of its own, and a client of it."""
    async with python("-m", "fastapi_esdb.embedded", "--port", "0", "--data", str(path)) as running:
        await running.until("esdb://")
        address = re.search(r"esdb://([^?]*)", running.printed)
        assert address
        async with connected(address[1]) as client:
            yield running, client


async def test_a_killed_server(tmp_path: Path) -> None:
    """However often the server is killed, a projection counts and links each event once, and in order."""
    count = "$init: () => ({n: 0}), T(s, e) { s.n++; linkTo('links', e) }"
    create = CreateProjection(f"fromStream('a').when({{{count}}})", "p", emit_enabled=True)
    for kill in range(4):
        async with process(tmp_path / "events.db") as (running, client):
            if kill == 0:
                await client.call(methods.CREATE_PROJECTION, create)
            await client.write("a", 300)
            await until(partial(_has_linked, client, 300 * kill))
            await running.ended(signal.SIGKILL)
    async with process(tmp_path / "events.db") as (_, client):
        await counted(client, 1200)
        links = await client.read(ReadRequest("links"))
        assert [link.data for link in links] == [b"%d@a" % n for n in range(1200)]


async def _has_linked(client: BareClient, count: int) -> bool:
    return len(await client.read(ReadRequest("links"))) > count


async def test_wrong_requests(client: BareClient) -> None:
    """A request that says too little is refused with what it lacks."""
    with pytest.raises(InvalidArgument, match="emit_enabled or no_emit_options"):
        await raw(client, methods.UPDATE_PROJECTION)
    with pytest.raises(InvalidArgument, match="mode"):
        await raw(client, methods.CREATE_PROJECTION)
    with pytest.raises(InvalidArgument, match="a name, a mode or all"):
        await raw(client, methods.PROJECTION_STATISTICS)


async def raw(client: BareClient, method: Method[Any, Any]) -> None:
    """Make a call whose options are empty."""
    call = client.open(method)
    await call.raw.write(b"\n\x00")
    await call.done_sending()
    await call.all()


async def test_the_methods_are_announced(client: BareClient) -> None:
    """Clients find out that the server has projections, and that they can be told to remember their streams."""
    [supported] = await client.call(SUPPORTED_METHODS, None)
    projections = {m.name: m.features for m in supported.methods if m.service.endswith("projections.projections")}
    assert len(projections) == 10
    assert projections["create"] == ("track_emitted_streams",)


@pytest.fixture
async def secure() -> AsyncIterator[BareClient]:
    """A server with users, one of them an ordinary one."""
    async with EmbeddedServer(secure=True) as server, connected(server.address) as client:
        await client.call(CREATE_USER, CreateUser("user", "secret", "A User"), metadata=ADMIN)
        yield client


@pytest.mark.parametrize(
    ("method", "request_", "error"),
    [
        (methods.CREATE_PROJECTION, CREATE, ProjectionFailed),
        (methods.UPDATE_PROJECTION, UpdateProjection("$streams", ""), ProjectionFailed),
        (methods.ENABLE_PROJECTION, EnableProjection("$streams"), ProjectionFailed),
        (methods.DISABLE_PROJECTION, DisableProjection("$streams"), ProjectionFailed),
        (methods.RESET_PROJECTION, ResetProjection("$streams"), ProjectionFailed),
        (methods.DELETE_PROJECTION, DeleteProjection("$streams"), AccessDenied),
        (methods.RESTART_PROJECTIONS, None, AccessDenied),
    ],
)
async def test_who_may_command(
    secure: BareClient, method: Method[Any, Any], request_: object, error: type[Exception]
) -> None:
    """Commands are for operators; others are told so, anonymous callers like everywhere."""
    with pytest.raises(error):
        await secure.call(method, request_, metadata=USER)
    with pytest.raises(AccessDenied):
        await secure.call(method, request_)


async def test_what_any_user_may(secure: BareClient) -> None:
    """A user may ask for everything, and run transient projections; one that never ran has not begun."""
    [told] = await secure.call(methods.PROJECTION_STATISTICS, StatisticsRequest("$by_category"), metadata=USER)
    assert (told.status, told.last_checkpoint, told.progress) == ("Stopped", "C:0/P:-1", -1.0)
    create = CreateProjection(COUNT, "t", ProjectionMode.TRANSIENT)
    assert await secure.call(methods.CREATE_PROJECTION, create, metadata=USER) == [None]
    assert await secure.call(methods.PROJECTION_STATE, StateRequest("t"), metadata=USER) == [{}]
    with pytest.raises(AccessDenied):
        await secure.call(methods.PROJECTION_STATE, StateRequest("t"))


async def test_categories_are_for_all_users(secure: BareClient) -> None:
    """Any user may read the streams that the system projections write."""
    await secure.call(methods.ENABLE_PROJECTION, EnableProjection("$by_category"), metadata=ADMIN)
    await secure.call(APPEND, AppendOptions("c-1"), event(), metadata=ADMIN)

    async def is_linked() -> bool:
        [frame, *_] = await secure.call(READ, ReadRequest("$ce-c"), metadata=USER)
        return isinstance(frame, RecordedEvent)

    await until(is_linked)


async def test_another_client(server: EmbeddedServer) -> None:
    """kurrentdbclient creates a projection, reads its state and its result, and deletes it."""
    other = AsyncKurrentDBClient(server.connection_string)
    await other.connect()
    try:
        await other.append_to_stream("a", events=[NewEvent("T", b"{}")] * 3, current_version=StreamState.NO_STREAM)
        await other.create_projection(name="p", query=COUNT)

        async def is_counted() -> bool:
            found: object = (await other.get_projection_state("p")).value
            return found == {"n": 3.0}

        await until(is_counted)
        assert (await other.get_projection_statistics("p")).status == "Running"
        await other.disable_projection("p")
        await other.delete_projection("p", delete_state_stream=True, delete_checkpoint_stream=True)
    finally:
        await other.close()
