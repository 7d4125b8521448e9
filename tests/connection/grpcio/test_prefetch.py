"""Calls whose answers are received by threads. What they share with others is in test_stream_call.py."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import psutil
import pytest

from fastapi_esdb.connection.call import StreamCall
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.grpcio import prefetch, reader_threads
from fastapi_esdb.connection.grpcio.prefetch import CHUNK, KEEPS_MEMORY, MOST_ANSWERS, Prefetch, tell_of_memory
from fastapi_esdb.connection.grpcio.reader_threads import MOST_BUSY, ReaderThreads
from fastapi_esdb.connection.grpcio.transport import GrpcioTransport
from fastapi_esdb.errors import ClosedInFlight
from fastapi_esdb.wire.errors import ConnectionRefused, NoAnswer
from tests.connection.conftest import Listener, channel_to
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, ScriptedServer
from tests.support.transports import OVER_GRPCIO
from tests.support.waiting import until

pytestmark = OVER_GRPCIO

FEW_CALLS = 8


async def started(channel: Channel, text: str) -> StreamCall[str, str]:
    call = StreamCall(channel.lease(), FOLLOW, bulk=True)
    await call.start([text], None)
    assert call.is_bulk
    return call


def readers(channel: Channel) -> ReaderThreads:
    assert isinstance(channel.transport, GrpcioTransport)
    return channel.transport.reader_threads


async def placed(channel: Channel, text: str) -> StreamCall[str, str]:
    """One that waits for its place, as every caller does."""
    await until(lambda: readers(channel).has_room)
    return await started(channel, text)


def threads() -> int:
    """Those that read."""
    return sum(thread.name == "esdb-reader" for thread in threading.enumerate())


async def batches(call: StreamCall[str, str]) -> list[list[str]]:
    found = []
    while batch := await call.read(20):
        found.append(list(batch))
    return found


async def test_answers_come_in_batches(channel: Channel) -> None:
    """All of them, in order, and never more at a time than a batch takes."""
    call = await started(channel, "count 5000")
    found = await batches(call)
    assert [answer for batch in found for answer in batch] == [str(number) for number in range(5000)]
    assert max(len(batch) for batch in found) <= MOST_ANSWERS
    assert len(found) < 1000
    call.close()


async def test_the_first_answer_does_not_wait_for_more(channel: Channel) -> None:
    """Nor does any other that comes by itself."""
    call = await started(channel, "hold 1")
    assert list(await call.read(20)) == ["0"]
    call.close()


@pytest.mark.parametrize("reads", [0, 1, 2])
async def test_closing_calls_whose_readers_have_stopped(
    channel: Channel, server: ScriptedServer, reads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They end on the server, and as many others find a place, with no more threads than places."""
    monkeypatch.setattr(prefetch, "MOST_ANSWERS", CHUNK)  # readers stop when a batch is full
    monkeypatch.setattr(reader_threads, "MOST_CALLS", FEW_CALLS)
    calls = [await placed(channel, "count 1000000") for _ in range(FEW_CALLS)]
    assert not readers(channel).has_room
    for call in calls * reads:
        await call.read(20)
    for call in calls:
        call.close()
    await until(lambda: not server.active["Follow"])
    again = [await placed(channel, "hold 1") for _ in range(MOST_BUSY)]
    assert [list(await call.read(20)) for call in again] == [["0"]] * MOST_BUSY
    assert threads() <= FEW_CALLS
    for call in again:
        call.close()


async def test_calls_whose_readers_stand_still_leave_room(channel: Channel) -> None:
    """They hold no thread. When their readers go on they get one, even if all others wait for a silent server."""
    still = [await placed(channel, "count 1000") for _ in range(MOST_BUSY + 1)]
    await until(lambda: not readers(channel).busy)
    silent = [await started(channel, "hold 1") for _ in range(MOST_BUSY)]
    assert [list(await call.read(20)) for call in silent] == [["0"]] * MOST_BUSY
    assert not readers(channel).has_room
    assert [sum(map(len, await batches(call))) for call in still] == [1000] * len(still)
    for call in (*still, *silent):
        call.close()


async def test_no_thread_reads_one_of_several(channel: Channel, server: ScriptedServer) -> None:
    """Calls that begin while another one is read are most likely short, and read on the event loop."""
    first = await started(channel, "hold 1")
    assert list(await first.read(20)) == ["0"]
    second, third = [StreamCall(channel.lease(), FOLLOW, bulk=True) for _ in range(2)]
    await second.start(["hold 2"], None)
    assert not second.is_bulk
    first.close()
    await until(lambda: readers(channel).has_room)
    await third.start(["count 3"], None)
    assert not third.is_bulk
    assert await batches(third) == [["0", "1", "2"]]
    second.close()
    third.close()
    await until(lambda: not server.active["Follow"])
    (await placed(channel, "hold 1")).close()


async def test_cancelled_at_any_step(channel: Channel, server: ScriptedServer) -> None:
    """The call ends on the server and its place is free again."""

    async def read() -> None:
        call = StreamCall(channel.lease(), FOLLOW, bulk=True)
        try:
            await call.start(["count 3000"], None)
            await batches(call)
        finally:
            call.close()

    for steps in range(0, 60, 2):
        task = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await until(lambda: not server.active["Follow"])
    assert channel.in_flight == 0
    again = [await placed(channel, "count 1") for _ in range(MOST_BUSY)]
    await until(lambda: readers(channel).has_room)
    assert [await batches(each) for each in again] == [[["0"]]] * MOST_BUSY


async def test_an_answer_that_is_no_message_ends_the_call(channel: Channel, server: ScriptedServer) -> None:
    """Here and on the server."""
    call = await started(channel, "garbage")
    with pytest.raises(NoAnswer):
        await call.read(20)
    call.close()
    await until(lambda: not server.active["Follow"])


async def test_what_has_arrived_is_given_before_the_end(channel: Channel) -> None:
    """A forced close takes nothing away from a reader that is behind."""
    call = await started(channel, "hold 20")
    prefetch = call._call
    assert isinstance(prefetch, Prefetch)
    await until(lambda: len(prefetch._prefetched.answers) == 20)
    channel.force_close()
    assert list(await call.read(20)) == [str(number) for number in range(20)]
    with pytest.raises(ClosedInFlight):
        await call.read(20)
    call.close()


class PublicCall:
    """A call of gRPC's with nothing but its documented methods."""

    def __init__(self, call: Any) -> None:
        self._hidden = call
        self.cancel = call.cancel

    def __next__(self) -> bytes:
        data: bytes = next(self._hidden)
        return data


async def test_a_grpcio_without_the_private_names_that_are_used(
    channel: Channel, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls that are broken off end as ever; that each keeps some memory is said once."""
    begin = ReaderThreads.begin
    monkeypatch.setattr(ReaderThreads, "begin", lambda *arguments: PublicCall(begin(*arguments)))
    tell_of_memory.cache_clear()
    for _ in range(3):
        call = await placed(channel, "hold 1")
        assert list(await call.read(20)) == ["0"]
        call.close()
        await until(lambda: not server.active["Follow"])
    whole = await placed(channel, "count 3")
    assert [answer for batch in await batches(whole) for answer in batch] == ["0", "1", "2"]
    whole.close()
    await until(lambda: readers(channel).busy == 0)
    assert [record.message for record in caplog.records if "memory" in record.message] == [KEEPS_MEMORY]


@pytest.mark.parametrize("ended", [True, False])
async def test_closing_the_channel_leaves_no_thread(server: ScriptedServer, ended: bool) -> None:
    """Whether it still had something to read or not."""
    channel = await channel_to(server.port, Listener())
    call = await started(channel, "count 10" if ended else "hold 10")
    await call.read(20)
    assert threads() == 1
    channel.force_close()
    await channel.wait_closed()
    assert threads() == 0
    call.close()


async def test_retired_it_waits_for_the_last_call(channel: Channel) -> None:
    """As for the other calls."""
    call = await started(channel, "count 2000")
    channel.retire()
    assert sum(len(batch) for batch in await batches(call)) == 2000
    call.close()
    await channel.wait_closed()
    assert threads() == 0


async def test_a_host_that_refuses_the_second_connection(server: ScriptedServer) -> None:
    """Is not asked again."""
    async with FaultProxy(server.port) as proxy:
        channel = await channel_to(proxy.port, Listener())
        await proxy.stop()
        call = await started(channel, "count 1")
        with pytest.raises(ConnectionRefused):
            await call.read(20)
        call.close()
        assert not readers(channel).has_room
        channel.force_close()
        await channel.wait_closed()


async def test_broken_off_calls_leave_no_memory(channel: Channel) -> None:
    """gRPC would keep 18 kB of each: its last events are never fetched otherwise."""

    async def break_off(count: int) -> None:
        for _ in range(count):
            call = await placed(channel, "hold 20")
            await call.read(20)
            call.close()

    await break_off(100)
    gc.collect()
    before = psutil.Process().memory_info().rss
    await break_off(400)
    gc.collect()
    assert psutil.Process().memory_info().rss - before < 3 * 2**20
