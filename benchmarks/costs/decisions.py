"""What `decide` pays beside the same calls by hand: load, decide, append on condition that nothing came between."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count

from benchmarks.costs.cost import Cost
from fastapi_esdb import NO_STREAM, Connection, NewEvent, RecordedEvent, StateCache, StreamState

LIMIT = 1.15
LENGTHS = (10, 100, 1_000)

Decide = Callable[[Connection, str], Awaitable[object]]
_numbers = count()


@dataclass(frozen=True)
class Account:
    """A state that takes little to make, so that what is measured is the way to it."""

    cents: int = 0


class AccountDecider:
    """Folds an account."""

    initial = Account()

    @staticmethod
    def evolve(state: Account, event: RecordedEvent) -> Account:
        return Account(state.cents + len(event.data))


class CachedDecider(AccountDecider):
    """Does the same, and keeps its states."""

    cache = StateCache(10_000)


def put(_: Account) -> NewEvent:
    return NewEvent("Put", {"cents": 5})


async def by_hand(esdb: Connection, stream: str) -> None:
    """Do what an app without deciders does."""
    state = Account()
    revision: int | StreamState = NO_STREAM
    async for event in esdb.read(stream):
        state, revision = AccountDecider.evolve(state, event), event.revision
    await esdb.append(stream, put(state), expected=revision)


async def decided(esdb: Connection, stream: str) -> None:
    """Do it by a decider."""
    await esdb.decide(stream, AccountDecider, put)


async def loaded(esdb: Connection, stream: str) -> None:
    """Read it all."""
    await esdb.load(stream, AccountDecider)


async def loaded_kept(esdb: Connection, stream: str) -> None:
    """Read what is not known yet."""
    await esdb.load(stream, CachedDecider)


async def decision_costs(esdb: Connection, rounds: int, calls: int) -> list[Cost]:
    """Measure both by turns, on streams of some lengths."""
    found = []
    for length in LENGTHS:
        some = max(1, calls * LENGTHS[0] // length)
        ratios = [await _ratio(esdb, length, some) for _ in range(rounds)]
        found.append(Cost.of(f"`decide` on {length:,} events, beside the same by hand", "", ratios, LIMIT))
        saved = [await _cached(esdb, length, some) for _ in range(rounds)]
        found.append(Cost.of(f"`load` of {length:,} events that are in a `StateCache`, beside without", "", saved))
    return found


async def _ratio(esdb: Connection, length: int, calls: int) -> float:
    """Return the CPU time of this process for decisions, as a part of that by hand."""
    streams = _streams(esdb, length)
    hand, ours = 0.0, 0.0
    for _ in range(4):  # by turns, since the machine has moods
        hand += await _cpu(esdb, by_hand, [await anext(streams) for _ in range(calls)])
        ours += await _cpu(esdb, decided, [await anext(streams) for _ in range(calls)])
    return ours / hand


async def _cached(esdb: Connection, length: int, calls: int) -> float:
    """Return the CPU time of loads that find a state kept, as a part of that of others."""
    streams = _streams(esdb, length)
    names = [await anext(streams) for _ in range(calls)]
    await _cpu(esdb, loaded_kept, names)
    return await _cpu(esdb, loaded_kept, names) / await _cpu(esdb, loaded, names)


async def _streams(esdb: Connection, length: int) -> AsyncIterator[str]:
    for number in _numbers:
        stream = f"decisions-{length}-{number}"
        await esdb.append(stream, [NewEvent("Put", {"cents": 5}) for _ in range(length)])
        yield stream


async def _cpu(esdb: Connection, decide: Decide, streams: list[str]) -> float:
    began = time.process_time()
    for stream in streams:
        await decide(esdb, stream)
    return time.process_time() - began
