"""`load`, `decide` and `call` as threads call them: what type checkers and editors see of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVarTuple, Unpack, overload

from google.protobuf.message import Message

from fastapi_esdb.api.calls import Options
from fastapi_esdb.api.deciders.decider import AnyEntity, Decider, State
from fastapi_esdb.api.deciders.decisions import Decided, Loaded
from fastapi_esdb.api.deciders.options import DecideOptions, LoadOptions, Made
from fastapi_esdb.api.deciders.snapshots import Snapshots
from fastapi_esdb.api.raw_calls import Answer

Args = TypeVarTuple("Args")


class RawCall(Protocol):
    """See `Connection.call`."""

    @overload
    def __call__(
        self,
        path: str,
        request: bytes | Message = ...,
        *,
        answer: type[Answer],
        writes: bool = ...,
        **options: Unpack[Options],
    ) -> Answer: ...
    @overload
    def __call__(
        self,
        path: str,
        request: bytes | Message = ...,
        *,
        answer: None = ...,
        writes: bool = ...,
        **options: Unpack[Options],
    ) -> bytes: ...


class LoadCall(Protocol):
    """See `Connection.load`. A state that was loaded in a thread is decided by with `decide` of the connection."""

    @overload
    def __call__(
        self,
        stream: str,
        decider: Decider[State],
        *,
        at_revision: int | None = ...,
        as_of: datetime | None = ...,
        snapshots: Snapshots | None = ...,
        **options: Unpack[LoadOptions],
    ) -> Loaded[State]: ...
    @overload
    def __call__(
        self,
        stream: str,
        decider: type[AnyEntity],
        *,
        at_revision: int | None = ...,
        as_of: datetime | None = ...,
        snapshots: Snapshots | None = ...,
        **options: Unpack[LoadOptions],
    ) -> Loaded[AnyEntity]: ...


class DecideCall(Protocol):
    """See `Connection.decide`. The function that decides is called on the event loop."""

    @overload
    def __call__(
        self,
        stream: str,
        decider: Decider[State],
        decide: Callable[[State, *Args], Awaitable[Made | Iterable[Made] | None]],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[State, Made]: ...
    @overload
    def __call__(
        self,
        stream: str,
        decider: Decider[State],
        decide: Callable[[State, *Args], Made | Iterable[Made] | None],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[State, Made]: ...
    @overload
    def __call__(
        self,
        stream: str,
        decider: type[AnyEntity],
        decide: Callable[[AnyEntity, *Args], Awaitable[Made | Iterable[Made] | None]],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[AnyEntity, Made]: ...
    @overload
    def __call__(
        self,
        stream: str,
        decider: type[AnyEntity],
        decide: Callable[[AnyEntity, *Args], Made | Iterable[Made] | None],
        *args: *Args,
        **options: Unpack[DecideOptions],
    ) -> Decided[AnyEntity, Made]: ...
