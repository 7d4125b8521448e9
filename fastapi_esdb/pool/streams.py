"""A streaming call over a pool, made again until its first answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self

from fastapi_esdb.connection.call import StreamCall
from fastapi_esdb.connection.preflight import takes_filter_instead
from fastapi_esdb.wire.errors import EsdbError, NoAnswer
from fastapi_esdb.wire.method import Method, Request, Response

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.pool.retry import Retry
    from fastapi_esdb.wire.headers import CallHeaders


@dataclass(frozen=True, slots=True)
class StreamPlan(Generic[Request, Response]):
    """The parts of a streaming call that stay the same in all attempts.

    `whole`: the call's deadline ends all of it. `each`: the seconds that each answer after the first is waited for.
    """

    method: Method[Request, Response]
    requests: Sequence[Request]
    headers: CallHeaders
    long_lived: bool
    bulk: bool
    whole: bool
    each: float | None


class PooledStream(Generic[Request, Response]):
    """A streaming call over leased connections; see `Stream`.

    Until its first answer it is made again like a unary call, unless more was sent than the first requests: those
    could not be repeated. Entering its context begins the call and leaving it ends it. That is no generator, since
    generators use it: when a loop ends, asyncio closes all that are left at once, though one waits for the other.
    """

    def __init__(self, plan: StreamPlan[Request, Response], retry: Retry) -> None:
        self._plan = plan
        self._retry = retry
        self._channel: Channel | None = None
        """Where the latest attempt went."""
        self._call: StreamCall[Request, Response] | None = None
        self._answered = False
        self._committed = False
        """Whether it can't be begun again any more."""

    @property
    def is_bulk(self) -> bool:
        """Return whether its answers are received off the event loop."""
        return self._call is not None and self._call.is_bulk

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    async def _start(self) -> None:
        """Begin the call, again if an attempt fails without having done anything."""
        while self._call is None:
            try:
                self._call = await self._begin()
            except EsdbError as error:
                await self._retry.failed(error, self._channel)

    async def _begin(self) -> StreamCall[Request, Response]:
        plan, retry = self._plan, self._retry
        lease = await retry.lease(self._channel, long_lived=plan.long_lived)
        self._channel = lease.channel
        call = self._make(lease)
        try:
            await call.start(plan.requests, retry.deadline if plan.whole else None, plan.headers)
        except BaseException:
            call.close()
            raise
        return call

    def _make(self, lease: Lease) -> StreamCall[Request, Response]:
        """A bulk call has a TCP connection of its own, so one that failed speaks of no other call: these come next."""
        return StreamCall(lease, self._plan.method, bulk=self._plan.bulk and self._retry.is_first)

    async def read(self, whole: int = 0) -> Sequence[Response]:
        """Return the answers that have come, at least one; none when the call has ended.

        With `whole`, all of them, though not more than so many: the call is made again until it comes to its end.
        """
        while self._call is not None:
            limit = self._plan.each if self._answered and not whole else self._retry.deadline.left()
            try:
                answers = await self._call.read(limit, whole)
            except EsdbError as error:
                self.close()
                if not self._goes_without_index(error):
                    await self._retry.failed(error, self._channel, final=self._committed)
                await self._start()
            except BaseException:
                self.close()
                raise
            else:
                self._answered = self._committed = True
                if whole or not answers:
                    self.close()
                return answers
        return ()

    def _goes_without_index(self, error: EsdbError) -> bool:
        """Return whether the next attempt has another filter, since the server makes no index of that kind."""
        channel, request = self._channel, next(iter(self._plan.requests), None)
        return not self._committed and channel is not None and takes_filter_instead(channel, request, error)

    async def send(self, request: Request) -> None:
        """Send one more request. Raises the call's own error if it has ended, `NoAnswer` if it ended without one."""
        self._committed = True
        if self._call is None:
            raise NoAnswer
        await self._call.write(request)

    def close(self) -> None:
        """End the call, on the server too, and give its lease back."""
        call, self._call = self._call, None
        if call is not None:
            call.close()
