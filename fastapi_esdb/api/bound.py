"""A carrier whose calls have options of their own: who calls, how long it may take, and whether only the leader may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Self

from fastapi_esdb.api.calls import CarrierView
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS, Caller, CallOptions, Stream
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.provided import ask
from fastapi_esdb.wire.errors import AccessDenied, CalledAs, EsdbError, NoAnswer, NotAuthenticated
from fastapi_esdb.wire.method import Method, Request, Response

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.settings.credentials import AnyCredentials, CredentialsProvider
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of calls that choose nothing else.

    A `provider` is asked before each call who calls, and once more when the server refuses what it gave; errors say
    by `called_as` whose credentials those were.
    """

    options: CallOptions = DEFAULT_OPTIONS
    provider: CredentialsProvider | None = None
    called_as: CalledAs = CalledAs.CALLER

    def fill(self, options: CallOptions, *, timeout: bool = True) -> CallOptions:
        """Return the options of a call, with what was chosen wherever it chooses nothing."""
        mine = self.options
        return replace(
            options,
            timeout=mine.timeout if options.timeout is None and timeout else options.timeout,
            credentials=options.credentials or mine.credentials,
            requires_leader=mine.requires_leader if options.requires_leader is None else options.requires_leader,
        )


class BoundCaller:
    """Makes calls by another `Caller`, with the `choices`. Those without a timeout have `deadline` seconds."""

    def __init__(self, caller: Caller, choices: Choices, deadline: float) -> None:
        self._caller = caller
        self._choices = choices
        self._deadline = deadline

    async def call(
        self, method: Method[Request, Response], request: Request, options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """Make a unary call."""
        return await self._made(lambda filled: self._caller.call(method, request, filled), options)

    async def send(
        self, method: Method[Request, Response], requests: Sequence[Request], options: CallOptions = DEFAULT_OPTIONS
    ) -> Response:
        """Make a call that streams its requests and has one answer."""
        return await self._made(lambda filled: self._caller.send(method, requests, filled), options)

    async def append(self, request: AppendRequest, options: CallOptions = DEFAULT_OPTIONS) -> AppendResult:
        """Append events; see `Caller.append`."""
        return await self._made(lambda filled: self._caller.append(request, filled), options)

    def stream(
        self,
        method: Method[Request, Response],
        requests: Sequence[Request],
        options: CallOptions = DEFAULT_OPTIONS,
        *,
        long_lived: bool = False,
        bulk: bool = False,
    ) -> Stream[Request, Response]:
        """Make a call whose answers stream; see `Caller.stream`. The timeout that was chosen ends no long-lived one."""

        def begin(filled: CallOptions) -> Stream[Request, Response]:
            return self._caller.stream(method, requests, filled, long_lived=long_lived, bulk=bulk)

        filled = self._choices.fill(options, timeout=not long_lived)
        attempts = self._attempts(filled)
        return begin(filled) if attempts is None else _ProvidedStream(begin, attempts)

    async def _made(self, make: Callable[[CallOptions], Awaitable[Response]], options: CallOptions) -> Response:
        filled = self._choices.fill(options)
        attempts = self._attempts(filled)
        if attempts is None:
            return await make(filled)
        chosen = await attempts.first()
        while True:
            try:
                return await make(chosen)
            except (NotAuthenticated, AccessDenied) as error:
                chosen = await attempts.after(error)

    def _attempts(self, options: CallOptions) -> _Attempts | None:
        """Return the attempts of a call for which a provider is to be asked."""
        choices = self._choices
        if choices.provider is None or options.credentials is not None:
            return None
        seconds = self._deadline if options.timeout is None else options.timeout
        return _Attempts(choices.provider, choices.called_as, options, Deadline.after(seconds))


class BoundCarrier(BoundCaller, CarrierView):
    """A `Carrier` that makes calls by another one, with the `choices`."""

    def __init__(self, carrier: Carrier, choices: Choices) -> None:
        CarrierView.__init__(self, carrier)
        timeout = choices.options.timeout
        BoundCaller.__init__(self, carrier, choices, carrier.deadline if timeout is None else timeout)

    @property
    def deadline(self) -> float:
        """See `Carrier.deadline`."""
        return self._deadline

    @asynccontextmanager
    async def at_leader(self, options: CallOptions) -> AsyncIterator[Caller]:
        """See `Carrier.at_leader`."""
        async with self._carrier.at_leader(self._choices.fill(options)) as node:
            yield BoundCaller(node, self._choices, self._deadline)


class _Attempts:
    """The attempts of one call: with what a provider gives, and with what it gives when that is refused."""

    def __init__(
        self, provider: CredentialsProvider, called_as: CalledAs, options: CallOptions, deadline: Deadline
    ) -> None:
        self._provider = provider
        self._called_as = called_as
        self._options = options
        self._deadline = deadline
        self._given: AnyCredentials | None = None
        self._refused = False

    async def first(self) -> CallOptions:
        """Return the options of the first attempt. Raises `NoCredentials`."""
        return await self._asked()

    async def after(self, error: NotAuthenticated | AccessDenied) -> CallOptions:
        """Return the options of another attempt; raise the error if there is none. Raises `NoCredentials`."""
        error.called_as = self._called_as
        if isinstance(error, AccessDenied) or self._refused:
            raise error
        self._refused = True
        before = self._given
        options = await self._asked()
        if self._given == before:
            raise error
        return options

    async def _asked(self) -> CallOptions:
        self._given = await ask(self._provider, self._given, self._deadline)
        timeout = None if self._options.timeout is None else self._deadline.left()
        return replace(self._options, credentials=self._given, timeout=timeout)


class _ProvidedStream(Generic[Request, Response]):
    """A streaming call that is begun with what a provider gives, and once more if that is refused at once."""

    def __init__(self, begin: Callable[[CallOptions], Stream[Request, Response]], attempts: _Attempts) -> None:
        self._begin = begin
        self._attempts = attempts
        self._call: Stream[Request, Response] | None = None
        self._has_ended = False
        self._committed = False
        """Whether it can't be begun again any more: it was answered, or more was sent."""

    @property
    def is_bulk(self) -> bool:
        """See `Stream.is_bulk`."""
        return self._call is not None and self._call.is_bulk

    async def __aenter__(self) -> Self:
        self._call = self._begin(await self._attempts.first())
        await self._call.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """See `Stream.close`."""
        self._has_ended = True
        self._drop()

    def _drop(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call.close()

    async def read(self, whole: int = 0) -> Sequence[Response]:
        """See `Stream.read`."""
        while not self._has_ended:
            if self._call is None:
                self._call = self._begin(await self._attempts.first())
            try:
                answers = await self._call.read(whole)
            except (NotAuthenticated, AccessDenied) as error:
                if self._committed:
                    raise
                self._drop()
                self._call = await self._again(error)
            else:
                self._committed = True
                return answers
        return ()

    async def _again(self, error: NotAuthenticated | AccessDenied) -> Stream[Request, Response]:
        try:
            return self._begin(await self._attempts.after(error))
        except EsdbError:
            self._has_ended = True
            raise

    async def send(self, request: Request) -> None:
        """See `Stream.send`."""
        self._committed = True
        if self._call is None:
            raise NoAnswer
        await self._call.send(request)
