"""A random history of writes, reads, scavenges and followers, played on a server first and told to a naive model after.

So what the model computes, slowly, is no part of what a watchdog of the server's event loop measures.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from fastapi_esdb.wire.admin.operations import START_SCAVENGE, StartScavenge
from fastapi_esdb.wire.errors import EsdbError, StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.groups.values import GroupEvent
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Direction, Edge
from fastapi_esdb.wire.projections import methods
from fastapi_esdb.wire.projections.values import CreateProjection, EnableProjection, StateRequest
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, Expected
from fastapi_esdb.wire.streams.methods import DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    AppendConflict,
    AppendResult,
    CaughtUp,
    DeleteRequest,
    ReadRequest,
    StreamMissing,
)
from tests.embedded.consuming import Groups
from tests.embedded.store.model import ScavengedModel
from tests.embedded.store.support import Clock
from tests.support.bare_client import BareClient, OpenCall, event
from tests.support.waiting import PATIENCE

STREAMS = ("a-1", "a-2", "b-1")
METASTREAMS = tuple(f"$${stream}" for stream in STREAMS)
MORTAL = ("c-1", "c-2")
"""Streams that may be tombstoned."""

COUNTS = (1, 1, 2, 5, 60, 257, 520)
METADATA: tuple[dict[str, object], ...] = (
    {},
    {"$maxCount": 1},
    {"$maxCount": 5},
    {"$maxCount": 300},
    {"$maxAge": 10},
    {"$tb": 3},
    {"$tb": 256},
    {"$tb": 100_000},
    {"$cacheControl": "wrong"},
)
COUNTING = "fromStream('b-1').when({$init: () => ({n: 0}), $any(s, e) { s.n++; s.last = e.sequenceNumber }})"

Frame = TypeVar("Frame")
Answer = object
Ask = Callable[[ScavengedModel], Answer]


@dataclass(frozen=True)
class Step:
    """What was done, the question to the model, what the server answered, and what time it was."""

    told: str
    ask: Ask
    answer: Answer
    now: datetime


@dataclass
class Follower:
    """What somebody got who follows a stream, or `$all` (`None`), from a start on, since so many steps were done."""

    stream: str | None
    start: int | Edge
    began: int
    records: list[RecordedEvent] = field(default_factory=list)


Following = Callable[[Follower], Coroutine[Any, Any, None]]


class History:
    """Plays steps on a server. `steps` are what was done, `followers` who followed meanwhile."""

    def __init__(self, client: BareClient, clock: Clock, seed: int) -> None:
        self.steps: list[Step] = []
        self.followers: list[Follower] = []
        self.markers: dict[str, int] = {}
        self._client = client
        self._clock = clock
        self._random = random.Random(seed)
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Have a group, projections and subscriptions follow from the beginning on."""
        groups = Groups(self._client)
        for stream in ("a-1", None):
            await groups.create(stream, message_timeout_ms=600_000, read_batch_size=50)
            self._follow(stream, START, partial(self._consume, groups))
        await self._client.call(methods.CREATE_PROJECTION, CreateProjection(COUNTING, "counting"))
        await self._client.call(methods.ENABLE_PROJECTION, EnableProjection("$by_category"))
        for followed in (None, *STREAMS, *METASTREAMS):
            self._follow(followed, START, self._subscribe)

    async def play(self, count: int) -> None:
        """Do so many steps, whatever comes."""
        actions = (
            *[self.append] * 8,
            *[self.set_metadata] * 3,
            *[self.read] * 6,
            *(self.append_expecting, self.delete, self.tombstone, self.pass_time, self.scavenge, self.subscribe),
        )
        for _ in range(count):
            await self._random.choice(actions)()

    async def end(self) -> None:
        """Write a last event to each stream that lives, and wait until everybody who follows has it."""
        for stream in (*STREAMS, *METASTREAMS):
            batch = [event("$metadata" if stream.startswith("$$") else "T")]
            self.markers[stream] = await self._append(stream, ANY, batch)
        await _until(self._have_all_come)
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended

    async def append(self) -> None:
        count = self._random.choice(COUNTS)
        await self._append(self._random.choice((*STREAMS, *MORTAL)), ANY, [event() for _ in range(count)])

    async def append_expecting(self) -> None:
        expected = self._random.choice((NO_STREAM, 0, 3, 10_000))
        await self._append(self._random.choice((*STREAMS, *MORTAL)), expected, [event(), event()])

    async def set_metadata(self) -> None:
        keys = self._random.choice(METADATA)
        stream = f"$${self._random.choice((*STREAMS, *MORTAL))}"
        await self._append(stream, ANY, [event("$metadata", json.dumps(keys).encode())])

    async def delete(self) -> None:
        stream, now = self._random.choice(STREAMS), self._clock.now
        answer = await _answer(self._client.call(DELETE, DeleteRequest(stream)))
        answer = None if isinstance(answer, list) else answer
        self._did(f"delete {stream}", lambda model: model.delete(stream, ANY, now), answer)

    async def tombstone(self) -> None:
        stream, now = self._random.choice(MORTAL), self._clock.now
        answer = await _answer(self._client.call(TOMBSTONE, DeleteRequest(stream)))
        answer = None if isinstance(answer, list) else answer
        self._did(f"tombstone {stream}", lambda model: model.tombstone(stream, ANY, now), answer)

    async def pass_time(self) -> None:
        self._clock.move(self._random.choice((1, 8)))

    async def read(self) -> None:
        """All of a stream in one direction."""
        stream = self._random.choice((*STREAMS, *METASTREAMS, *MORTAL))
        direction = self._random.choice((FORWARDS, BACKWARDS))
        now = self._clock.now
        answer = await _answer(self._revisions(stream, direction))

        def ask(model: ScavengedModel) -> list[int]:
            return model.readable(stream, now)[:: 1 if direction is FORWARDS else -1]

        self._did(f"read {stream} {direction.name}", ask, answer)

    async def scavenge(self) -> None:
        """To the end, which its last event tells."""
        now = self._clock.now
        [started] = await self._client.call(START_SCAVENGE, StartScavenge(1, 0))
        call = await self._client.subscribe(ReadRequest(f"$scavenges-{started.scavenge_id}", subscribe=True))
        async for frame in call:
            if isinstance(frame, RecordedEvent) and frame.type == "$scavengeCompleted":
                break
        call.cancel()
        self._did("scavenge", lambda model: model.scavenge(now), None)

    async def subscribe(self) -> None:
        """From somewhere in a stream; from its end once it is live."""
        stream = self._random.choice((*STREAMS, *METASTREAMS))
        start = self._random.choice((START, END, 0, 5, 300))
        live = asyncio.Event()
        self._follow(stream, start, partial(self._subscribe, live=live))
        async with asyncio.timeout(PATIENCE):
            await live.wait()

    async def counted(self) -> int:
        """How many events the projection has seen when it has come to the last one."""
        state: dict[str, float] = {}

        async def look() -> bool:
            [told] = await self._client.call(methods.PROJECTION_STATE, StateRequest("counting"))
            state.update(cast("dict[str, float]", told))
            return state.get("last") == self.markers["b-1"]

        await _until(look)
        return int(state["n"])

    async def linked(self, category: str, streams: tuple[str, ...]) -> list[tuple[str, int]]:
        """Where the links of a category lead, those to events and not to deletions, when the last one is there."""
        found: list[tuple[str, int]] = []

        async def look() -> bool:
            links = await self._client.read(ReadRequest(f"$ce-{category}"))
            targets = [one.data.decode().partition("@") for one in links if b'"$deleted"' not in one.metadata]
            found[:] = [(stream, int(revision)) for revision, _, stream in targets]
            return all((stream, self.markers[stream]) in found for stream in streams)

        await _until(look)
        return found

    async def _append(self, stream: str, expected: Expected, batch: list[ProposedEvent]) -> int:
        now = self._clock.now
        answer = await _answer(self._client.append(stream, *batch, expected=expected))
        if isinstance(answer, AppendConflict):
            answer = WrongExpectedRevision
        elif isinstance(answer, AppendResult):
            answer = answer.revision
        told = f"append {len(batch)} to {stream} expecting {expected}"
        self._did(told, lambda model: model.append(stream, expected, batch, now), answer)
        return answer if isinstance(answer, int) else -1

    async def _revisions(self, stream: str, direction: Direction) -> Answer:
        start = START if direction is FORWARDS else END
        frames = await self._client.frames(ReadRequest(stream, start, direction))
        if any(isinstance(frame, StreamMissing) for frame in frames):
            return StreamNotFound
        return [frame.revision for frame in frames if isinstance(frame, RecordedEvent)]

    def _follow(self, stream: str | None, start: int | Edge, work: Following) -> None:
        follower = Follower(stream, start, len(self.steps))
        self.followers.append(follower)
        self._tasks.append(asyncio.create_task(work(follower)))

    async def _subscribe(self, follower: Follower, live: asyncio.Event | None = None) -> None:
        call = await self._client.subscribe(ReadRequest(follower.stream, follower.start, subscribe=True))
        while True:
            frame = await _next(call, READ)
            if isinstance(frame, RecordedEvent):
                follower.records.append(frame)
            if isinstance(frame, CaughtUp) and live:
                live.set()

    async def _consume(self, groups: Groups, follower: Follower) -> None:
        async with groups.consume(follower.stream, buffer_size=100) as consumer:
            while True:
                frame = await _next(consumer.call, READ_GROUP)
                assert isinstance(frame, GroupEvent)
                follower.records.append(frame.event)
                await consumer.ack(frame)

    async def _have_all_come(self) -> bool:
        """Whether the last event of each stream is where it is awaited, and nobody has failed."""
        for task in self._tasks:
            if task.done():
                task.result()
        return all(map(self._has_come, self.followers))

    def _has_come(self, follower: Follower) -> bool:
        stream = METASTREAMS[-1] if follower.stream is None else follower.stream
        if isinstance(follower.start, int) and follower.start >= self.markers[stream]:
            return True  # what it waits for has not been written
        return (stream, self.markers[stream]) in {(one.stream, one.revision) for one in follower.records[-100:]}

    def _did(self, told: str, ask: Ask, answer: Answer) -> None:
        self.steps.append(Step(told, ask, answer, self._clock.now))


async def _answer(call: Awaitable[Answer]) -> Answer:
    """What a call answers, the type of the error if that is one."""
    try:
        return await call
    except EsdbError as error:
        return type(error)


async def _next(call: OpenCall[Any, Frame], method: Method[Any, Frame]) -> Frame:
    """The next response, however long it takes."""
    raw = await call.raw.read()
    assert isinstance(raw, bytes), f"{method.path} has ended: {call.raw}"
    return method.response.from_bytes(raw)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(4 * PATIENCE):
        while not await holds():  # noqa: ASYNC110 - the server has no event for a test
            await asyncio.sleep(0.02)
