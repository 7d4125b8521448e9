"""What a server sees of grouped appends."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from fastapi_esdb import Connection, NewEvent
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import Expected
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND
from fastapi_esdb.wire.streams.values import AppendResult
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS
from fastapi_esdb.wire.streams_v2.values import AppendRecords
from tests.support.waiting import until


class Watched:
    """The calls that write, as they arrive: how many of each, and the groups. Holds them back while `gate` is shut."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.groups: list[AppendRecords] = []
        self.calls: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusals: list[Exception] = []
        """What the next groups are refused with, after they were written."""
        request, send, receive = Call.request, Call.send, Call.__anext__

        async def asked(call: Call[AppendRecords, object]) -> AppendRecords:
            value = await request(call)
            if call.method is APPEND_RECORDS:
                self.groups.append(value)
                await self.gate.wait()
            return value

        async def told(call: Call[object, object], response: object) -> None:
            if call.method is APPEND_RECORDS and self.refusals:
                raise self.refusals.pop(0)
            await send(call, response)

        async def taken(call: Call[object, object]) -> object:
            value = await receive(call)
            if call.method in (APPEND, BATCH_APPEND):
                self.calls[call.method.name] += 1
            return value

        patch.setattr(Call, "request", asked)
        patch.setattr(Call, "send", told)
        patch.setattr(Call, "__anext__", taken)

    async def step(self) -> None:
        """Let through the group that is held back, and wait until the next one is."""
        seen = len(self.groups)
        self.gate.set()
        self.gate.clear()
        await until(lambda: len(self.groups) > seen)


def event(name: str = "T") -> NewEvent:
    return NewEvent(name, {"n": 1})


async def held(watched: Watched, esdb: Connection) -> asyncio.Task[AppendResult]:
    """A first append that is in flight until the gate opens."""
    watched.gate.clear()
    first = asyncio.create_task(esdb.append("first", event()))
    await until(lambda: watched.groups)
    return first


async def gathered(
    watched: Watched, esdb: Connection, *appends: tuple[str, ProposedEvent | list[NewEvent], Expected]
) -> list[AppendResult | BaseException]:
    """Appends that wait together for a first one."""
    first = await held(watched, esdb)
    tasks = [asyncio.create_task(esdb.append(*append)) for append in appends]
    await asyncio.sleep(0)
    watched.gate.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def revisions(ends: list[AppendResult | BaseException]) -> list[int | type[BaseException] | None]:
    return [end.revision if isinstance(end, AppendResult) else type(end) for end in ends]
