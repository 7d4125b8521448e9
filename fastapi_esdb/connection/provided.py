"""The credentials that a provider gives: asked for within a deadline, and kept by those that should not ask anew."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.connection.deadline import seconds
from fastapi_esdb.errors import NoCredentials
from fastapi_esdb.settings.credentials import AnyCredentials
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.credentials import CredentialsProvider


async def ask(provider: CredentialsProvider, refused: AnyCredentials | None, deadline: Deadline) -> AnyCredentials:
    """Return the credentials for a call, others than the `refused` ones if the provider has any.

    Raises `NoCredentials` where the provider fails, gives something else, or has not answered by the deadline.
    """
    try:
        async with asyncio.timeout(deadline.left()) as waiting:
            given = provider(refused)
            return _checked(await given if inspect.isawaitable(given) else given)
    except EsdbError:
        raise
    except asyncio.CancelledError as error:
        if _is_being_cancelled():
            raise
        raise NoCredentials("was cancelled") from error  # what it waited for was, and not the call
    except Exception as error:
        late = isinstance(error, TimeoutError) and waiting.expired()
        raise NoCredentials("did not answer in time" if late else f"raised {type(error).__name__}") from error


def _checked(found: AnyCredentials) -> AnyCredentials:
    if not isinstance(found, AnyCredentials):
        raise NoCredentials(f"gave {type(found).__name__} instead of Credentials or a BearerToken")
    return found


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


FETCH_TIMEOUT = 10.0
"""Seconds."""


class CachedCredentials:
    """A provider that keeps what `fetch` gives until the server refuses it, or `lifetime` seconds have passed.

    `fetch` is a function or coroutine function without arguments, such as one that asks for a token. Calls that need
    one at the same time wait for the same answer. One that has not come within `fetch_timeout` seconds is given up, so
    that the next call asks again. Raises `InvalidArgument` for what can't be one of the three.
    """

    def __init__(
        self,
        fetch: Callable[[], AnyCredentials | Awaitable[AnyCredentials]],
        *,
        lifetime: float | None = None,
        fetch_timeout: float = FETCH_TIMEOUT,
    ) -> None:
        if not callable(fetch):  # the value is not shown: it may be a token
            wanted = "fetch must be a function that gives Credentials or a BearerToken"
            raise InvalidArgument(f"{wanted}, not {type(fetch).__name__}")
        self._fetch = fetch
        self._lifetime = None if lifetime is None else seconds(lifetime, "lifetime")
        self._fetch_timeout = seconds(fetch_timeout, "fetch_timeout")
        self._kept: AnyCredentials | None = None
        self._until = 0.0
        self._fetching: asyncio.Task[AnyCredentials] | None = None

    def __repr__(self) -> str:
        return f"<CachedCredentials of {getattr(self._fetch, '__qualname__', type(self._fetch).__qualname__)}>"

    async def __call__(self, refused: AnyCredentials | None) -> AnyCredentials:
        """Return what is kept, or what `fetch` gives now."""
        if self._kept is not None and self._kept != refused and not self._is_over():
            return self._kept
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetched(), name="esdb-credentials")
            self._fetching.add_done_callback(_looked_at)
        # shielded: others may wait for it, too, when the one that gave rise to it is cancelled
        return await asyncio.shield(self._fetching)

    def _is_over(self) -> bool:
        return self._lifetime is not None and monotonic() >= self._until

    async def _fetched(self) -> AnyCredentials:
        try:
            async with asyncio.timeout(self._fetch_timeout) as waiting:
                given = self._fetch()
                self._kept = found = _checked(await given if inspect.isawaitable(given) else given)
            self._until = monotonic() + (self._lifetime or 0.0)
            return found
        except TimeoutError as error:
            if not waiting.expired():
                raise
            raise NoCredentials("did not answer in time") from error
        finally:
            self._fetching = None


def _looked_at(fetching: asyncio.Task[AnyCredentials]) -> None:
    """Take notice of an error that all who waited for it have been too impatient for."""
    if not fetching.cancelled():
        fetching.exception()
