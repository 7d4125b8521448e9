"""What becomes of the writes that are under way when a server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.errors import EsdbError, Outcome, ServerShuttingDown
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, TOMBSTONE
from fastapi_esdb.wire.streams.values import AppendOptions, BatchFragment, BatchOptions, DeleteRequest, ReadRequest
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import AppendRecords, Record, SchemaFormat, SessionAppend
from tests.support.bare_client import BareClient, OpenCall, event
from tests.support.waiting import PATIENCE, until

RECORD = Record(uuid4(), "T", b"{}", SchemaFormat.JSON, {}, stream="a")
BATCH = BatchFragment(uuid4(), BatchOptions("a", ANY, None), (event(),), final=True)

WRITES: dict[str, tuple[Method[Any, Any], list[Any]]] = {
    "append": (APPEND, [AppendOptions("a", ANY), event()]),
    "batch": (BATCH_APPEND, [BATCH]),
    "session": (APPEND_SESSION, [SessionAppend("a", (RECORD,), ANY)]),
    "records": (APPEND_RECORDS, [AppendRecords((RECORD,), ())]),
    "delete": (DELETE, [DeleteRequest("a", ANY)]),
    "tombstone": (TOMBSTONE, [DeleteRequest("a", ANY)]),
}


class Held:
    """Writes that are done, and not answered yet."""

    def __init__(self) -> None:
        self.count = 0
        self._released = asyncio.Event()

    def release(self) -> None:
        self._released.set()

    def hold(self, write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def done(*arguments: Any) -> Any:
            result = await write(*arguments)
            self.count += 1
            await self._released.wait()
            return result

        return done


@contextmanager
def held() -> Iterator[Held]:
    """Have each write wait, once it is done."""
    holding = Held()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("append", "append_many", "delete", "tombstone"):
            patch.setattr(Database, name, holding.hold(getattr(Database, name)))
        yield holding


async def opened(client: BareClient, kind: str) -> OpenCall[Any, Any]:
    """A call with the write in it; one of batches stays open, as clients leave it."""
    method, requests = WRITES[kind]
    call = client.open(method)
    await call.send(*requests)
    if method is not BATCH_APPEND:
        await call.done_sending()
    return call


@pytest.mark.parametrize("kind", WRITES)
async def test_a_write_that_is_cut_off(server: EmbeddedServer, client: BareClient, kind: str) -> None:
    """A server that stops without waiting does not say of what it has written that it was not done."""
    await client.write("a")
    with held() as writes:
        call = await opened(client, kind)
        await until(lambda: writes.count == 1)
        await server.stop(grace=0)
    with pytest.raises(EsdbError) as caught:
        await anext(call)
    assert caught.value.outcome is Outcome.UNKNOWN, caught.value


@pytest.mark.parametrize("kind", WRITES)
async def test_a_write_with_time_to_end(server: EmbeddedServer, client: BareClient, kind: str) -> None:
    """Whoever waits for a write when the server stops has its answer, and the stop waits no longer than for that."""
    await client.write("a")
    following = await client.subscribe(ReadRequest("another", subscribe=True))
    await following.take(2)
    with held() as writes:
        call = await opened(client, kind)
        await until(lambda: writes.count == 1)
        stopping = asyncio.create_task(server.stop(grace=10 * PATIENCE))
        with pytest.raises(ServerShuttingDown):  # which is when everything ends that does not write
            await following.all()
        writes.release()
        async with asyncio.timeout(PATIENCE):
            answer = await anext(call)
            await stopping
    assert not isinstance(getattr(answer, "result", None), EsdbError), answer


async def test_a_batch_that_arrives_at_that_moment(
    server: EmbeddedServer, client: BareClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken in while the call is being cut off may be written, and it is not said that it was not."""
    arrival, has_arrived = asyncio.Event(), asyncio.Event()
    receive = Call.__anext__

    async def receive_late(call: Call[Any, Any]) -> Any:
        request = await receive(call)
        if call.method is BATCH_APPEND:
            has_arrived.set()
            with monkeypatch.context() as patch:
                patch.setattr(call, "_is_receiving", True)
                await arrival.wait()
        return request

    monkeypatch.setattr(Call, "__anext__", receive_late)
    call = await opened(client, "batch")
    await has_arrived.wait()
    stopping = asyncio.create_task(server.stop(grace=0))
    await asyncio.sleep(0)  # it has begun, and comes before what is awake from now on
    arrival.set()
    await stopping
    with pytest.raises(EsdbError) as caught:
        await anext(call)
    assert caught.value.outcome is Outcome.UNKNOWN, caught.value
