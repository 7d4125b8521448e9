"""A streaming call over a pool, made again until its first answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Self

from fastapi_esdb.connection.call import StreamAttempt
from fastapi_esdb.connection.preflight import takes_filter_instead
from fastapi_esdb.wire.errors import EsdbError, NoAnswer
from fastapi_esdb.wire.method import Method, Request, Response

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.pool.retry import Retry
    from fastapi_esdb.wire.headers import CallHeaders


class PooledStream(StreamAttempt[Request, Response]):
    """A streaming call over leased connections; see `Stream`.

    Until its first answer it is made again like a unary call, unless more was sent than the first requests: those
    could not be repeated. It begins when its context is entered or something is read, and ends when the context is
    left or by `close`. A reader that is cancelled loses nothing: the call goes on, and so does the wait for it.
    """

    is_long = False
    """Whether so many answers are expected that it may pay to receive them off the event loop."""
    deadline: Deadline | None = None
    """The end of all of the call; without one, `retry` has that of the wait for its first answer, or for a whole."""
    patience = math.inf
    """Seconds that each answer after the first is waited for."""
    _channel: Channel | None = None
    """Where the latest attempt went."""
    _has_ended = False
    _answered = False
    _committed = False
    """Whether it can't be begun again any more."""

    def __init__(
        self,
        retry: Retry,
        method: Method[Request, Response],
        requests: Sequence[Request],
        headers: CallHeaders,
        long_lived: bool,
    ) -> None:
        super().__init__(method)
        self._retry = retry
        self._requests = requests
        self._headers = headers
        self._long_lived = long_lived

    async def __aenter__(self) -> Self:
        while self._call is None:
            try:
                await self._open()
            except EsdbError as error:
                await self._failed(error)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    async def _open(self) -> None:
        retry, long_lived = self._retry, self._long_lived
        lease = retry.take(self._channel, long_lived)
        if lease is None:
            lease = await retry.lease(self._channel, long_lived=long_lived)
        self._channel = lease.channel
        # a bulk call has a TCP connection of its own, so one that failed speaks of no other call: these come next
        bulk = self.is_long and retry.is_first
        try:
            if self._method.shape.client_streams:
                await self._begin_talk(lease, self._requests, self.deadline, self._headers)
            else:
                self._begin(lease, self._requests[0], self.deadline, self._headers, bulk)
        except BaseException:
            self._drop()
            raise

    async def read(self, whole: int = 0) -> Sequence[Response]:
        """Return the answers that have come, at least one; none when the call has ended.

        With `whole`, all of them, though not more than so many: the call is made again until it comes to its end.
        """
        while not self._has_ended:
            try:
                if self._call is None:
                    await self._open()
                until = monotonic() + self.patience if self._answered and not whole else self._retry.deadline
                answers = await self._receive(until, whole)
            except EsdbError as error:
                await self._failed(error)
            else:
                self._answered = self._committed = True
                if whole or not answers:
                    self.close()
                return answers
        return ()

    def _goes_without_index(self, error: EsdbError) -> bool:
        """Return whether the next attempt has another filter, since the server makes no index of that kind."""
        channel, request = self._channel, next(iter(self._requests), None)
        return not self._committed and channel is not None and takes_filter_instead(channel, request, error)

    async def send(self, request: Request) -> None:
        """Send one more request. Raises the call's own error if it has ended, `NoAnswer` if it ended without one."""
        self._committed = True
        if self._call is None:
            raise NoAnswer
        await self._send(request)

    def close(self) -> None:
        """End the call, on the server too, and give its lease back."""
        if not self._has_ended:
            self._has_ended = True
            self._drop()

    async def _failed(self, error: EsdbError) -> None:
        """Wait until the call may be made again. Raises the error if it may not."""
        self._drop()
        if self._goes_without_index(error):
            return
        try:
            await self._retry.failed(error, self._channel, final=self._committed or self._has_ended)
        except EsdbError:
            self._has_ended = True
            raise
