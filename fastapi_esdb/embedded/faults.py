"""Faults that a test makes a server have: answers that are lost, calls that are refused or slow, a freeze."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.errors import ConnectionLost, EsdbError, InvalidArgument, ServerNotReady
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods

AnyMethod = Method[Any, Any]

KINDS = {
    "append": ("Streams.Append", "Streams.BatchAppend", "StreamsService.AppendSession", "StreamsService.AppendRecords"),
    "read": ("Streams.Read",),
    "consume": ("PersistentSubscriptions.Read",),
}
"""Calls that go by one name: a client chooses by itself how an append travels."""

OF_CLIENTS = frozenset({GOSSIP.call_name, SUPPORTED_METHODS.call_name})
"""Calls that clients make on their own account. A fault meets them only where it names them."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A fault of so many `times` of the `calls`, of their answers or before they are carried out.

    Calls may be late (`delay`), or an `error`. An answer without an error is never sent.
    """

    calls: tuple[str, ...]
    times: int | None
    of_answers: bool = False
    delay: float = 0.0
    error: EsdbError | None = None


def lost_answers(
    error: EsdbError | None, calls: str | Iterable[str], times: int | None, *, silently: bool
) -> Disturbance:
    """Return what `FaultKit.lose_next_answer` sets."""
    if silently and error is not None:
        raise InvalidArgument("an answer is either lost silently, or by an error: give one of the two")
    told = None if silently else _checked(error or ConnectionLost())
    return Disturbance(_patterns(calls), _counted(times), of_answers=True, error=told)


def refusals(error: EsdbError | None, calls: str | Iterable[str], times: int | None) -> Disturbance:
    """Return what `FaultKit.refuse` sets."""
    return Disturbance(_patterns(calls), _counted(times), error=_checked(error or ServerNotReady()))


def delays(seconds: Any, calls: str | Iterable[str], times: int | None) -> Disturbance:
    """Return what `FaultKit.slow` sets."""
    if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise InvalidArgument(f"seconds is {seconds!r}: it must be a number above 0")
    return Disturbance(_patterns(calls), _counted(times), delay=float(seconds))


class Fault:
    """A fault that a server has until it has met so many calls as it is for, or is ended: also by leaving `with`."""

    def __init__(self, faults: Faults, what: Disturbance, tell: Callable[[int], None]) -> None:
        self._faults = faults
        self._what = what
        self._tell = tell
        self.happened = 0
        """The number of calls that it has met."""

    def __repr__(self) -> str:
        return f"<Fault of {', '.join(self._what.calls) or 'all calls'}: {self.happened} so far>"

    def end(self) -> None:
        """Have all be well again. Idempotent."""
        self._faults.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def meets(self, method: AnyMethod, *, of_answers: bool) -> Disturbance | None:
        """Return what happens to a call, if anything does, and count it."""
        what = self._what
        if what.of_answers is not of_answers or not self._faults.has(self) or not _names(what.calls, method.call_name):
            return None
        self.happened += 1
        self._tell(self.happened)
        if self.happened == what.times:
            self.end()
        return what


class Freeze:
    """A server that is frozen, until it is ended: also by leaving `with`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def end(self) -> None:
        """Let the server go on. Idempotent."""
        self._faults.thaw()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Faults:
    """The faults that a server has. They may be set and ended by any thread; calls meet them on the server's loop."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._thawed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def are_any(self) -> bool:
        """Return whether calls have to look for faults at all."""
        return bool(self._set) or self._thawed is not None

    def add(self, what: Disturbance, tell: Callable[[int], None] = lambda _: None) -> Fault:
        """Have a fault from now on, which tells how many calls it has met."""
        fault = Fault(self, what, tell)
        self._set.append(fault)
        return fault

    def has(self, fault: Fault) -> bool:
        """Return whether it still does."""
        return fault in self._set

    def remove(self, fault: Fault) -> None:
        """Have it no longer. Idempotent."""
        with suppress(ValueError):
            self._set.remove(fault)

    def freeze(self) -> Freeze:
        """Hold up every call."""
        self._thawed = self._thawed or asyncio.Event()
        return Freeze(self)

    def thaw(self) -> None:
        """Let all calls go on. Idempotent."""
        thawed, self._thawed = self._thawed, None
        if thawed and self._loop:
            self._loop.call_soon_threadsafe(thawed.set)

    def clear(self) -> None:
        """End all faults."""
        self._set.clear()
        self.thaw()

    async def passed(self) -> None:
        """Return when the server is not frozen."""
        while thawed := self._thawed:
            self._loop = asyncio.get_running_loop()
            await thawed.wait()

    async def before(self, method: AnyMethod) -> None:
        """Hold up a call that is about to be carried out, or refuse it: raises the error then."""
        for fault in tuple(self._set):
            if what := fault.meets(method, of_answers=False):
                await asyncio.sleep(what.delay)
                if what.error:
                    raise copy.copy(what.error)

    def lost(self, method: AnyMethod) -> bool:
        """Return whether the next answer of a call is never sent. Raises the error that comes in its place."""
        for fault in tuple(self._set):
            if what := fault.meets(method, of_answers=True):
                if what.error:
                    raise copy.copy(what.error)
                return True
        return False


class FaultKit:
    """Faults for the tests of applications, see `EmbeddedServer`.

    `calls` are the calls that one is for: `"append"`, `"read"` (subscriptions are reads, too), `"consume"`, names as in
    `open_calls` (`"Users.Details"`), patterns of them (`"Projections.*"`), or several of these. Each fault ends when it
    has met so many calls as `times` says (`None`: any number), with the `with` block that it is made for, by its
    `end()`, or when the server stops. Any thread may call these methods.
    """

    def __init__(self) -> None:
        self.faults = Faults()

    def lose_next_answer(
        self,
        calls: str | Iterable[str] = "append",
        *,
        times: int | None = 1,
        error: EsdbError | None = None,
        silently: bool = False,
    ) -> Fault:
        """Carry out the next call and break it off in place of the answer, as a lost connection does.

        Of appends that travel in one call that loses the answers of all. `error` is another end of the call, such as
        `ServerTimeout()`. `silently` there is none, so that the client waits until its deadline.

        Raises InvalidArgument for calls that there are none of, and for what is no `EsdbError`.
        """
        return self.faults.add(lost_answers(error, calls, times, silently=silently))

    def refuse(
        self, error: EsdbError | None = None, calls: str | Iterable[str] = (), *, times: int | None = None
    ) -> Fault:
        """Answer calls with an error and do nothing: without any as a server that is not ready (`ServerNotReady()`).

        Without `calls` all are refused but gossip and the server's features, which clients ask for by themselves.

        Raises InvalidArgument for calls that there are none of, and for what is no `EsdbError`.
        """
        return self.faults.add(refusals(error, calls, times))

    def slow(self, seconds: float, calls: str | Iterable[str] = (), *, times: int | None = None) -> Fault:
        """Carry calls out so many seconds later than they come; without `calls` as with `refuse`.

        Raises InvalidArgument for calls that there are none of, and for a time that is none.
        """
        return self.faults.add(delays(seconds, calls, times))

    def freeze(self) -> Freeze:
        """Neither take anything nor answer anything from now on; connections stay open, and new ones are accepted.

        Only gRPC itself still answers pings. For a process that is frozen whole take `EmbeddedCluster(nodes=1)`.
        """
        return self.faults.freeze()


def _names(patterns: tuple[str, ...], name: str) -> bool:
    if not patterns:
        return name not in OF_CLIENTS
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _patterns(calls: str | Iterable[str]) -> tuple[str, ...]:
    given = [calls] if isinstance(calls, str) else list(calls)
    names = [method.call_name for method in all_methods()]
    patterns: list[str] = []
    for call in given:
        found = KINDS.get(call, (call,))
        if not any(_names(found, name) for name in names):
            raise InvalidArgument(
                f"calls has {call!r}, which no call is named: take {', '.join(map(repr, KINDS))}, "
                "or names like 'Streams.Read' and 'Users.*'"
            )
        patterns += found
    return tuple(patterns)


def _checked(error: Any) -> EsdbError:
    if not isinstance(error, EsdbError):
        raise InvalidArgument(f"error must be an EsdbError, such as ServerBusy(), not {type(error).__name__}")
    return error


def _counted(times: Any) -> int | None:
    if times is not None and (type(times) is not int or times < 1):
        raise InvalidArgument(f"times is {times!r}: it must be a whole number from 1 on, or None for any number")
    found: int | None = times
    return found
