"""Calls by their path, for what a server has and this package does not know."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack, overload

from google.protobuf.message import Message

from fastapi_esdb.api.calls import ConnectionPart, Options, write
from fastapi_esdb.api.iteration import Drawing, Iteration
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.method import Codec, Method, Shape

Answer = TypeVar("Answer", bound=Message)

_PATH = re.compile(r"/([A-Za-z_][\w.]*)/([A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _AsBytes(Codec[Any]):
    """No conversion: messages are bytes on both sides."""

    def to_bytes(self, value: bytes) -> bytes:
        """Return them as they are."""
        return value

    def from_all(self, messages: Iterable[bytes]) -> list[bytes]:
        """Return them as they are."""
        return list(messages)

    def from_bytes(self, data: bytes) -> bytes:
        """Return them as they are."""
        return data


def _same(value: Any) -> Any:
    return value


_BYTES = _AsBytes(Message, _same, _same)


class RawCalls(ConnectionPart):
    """Calls that have no method of their own here."""

    @overload
    async def call(
        self,
        path: str,
        request: bytes | Message = b"",
        *,
        answer: type[Answer],
        writes: bool = True,
        **options: Unpack[Options],
    ) -> Answer: ...
    @overload
    async def call(
        self,
        path: str,
        request: bytes | Message = b"",
        *,
        answer: None = None,
        writes: bool = True,
        **options: Unpack[Options],
    ) -> bytes: ...
    async def call(
        self,
        path: str,
        request: bytes | Message = b"",
        *,
        answer: type[Message] | None = None,
        writes: bool = True,
        **options: Unpack[Options],
    ) -> Any:
        """Make a call with one request and one answer, by its path: `"/package.Service/Method"`.

        `request` is a protobuf message or its bytes; the answer comes as a message of the class `answer`, or as bytes.
        Deadline, credentials, retries and errors are those of all calls. One that `writes` goes to the leader, and is
        not made again where its outcome is unknown; say `writes=False` of what changes nothing.

        Raises:
            InvalidArgument: the path or the request can't be.
            NotSupported: the server has no such call.
            OutcomeUnknown: the answer of a call that writes was lost.
        """
        method = _method(path, request, answer, Shape.UNARY, writes=writes)
        chosen = CallOptions.of(**options)
        if writes:
            return await write(self._carrier, method, request, path, chosen)
        return await self._carrier.call(method, request, chosen)

    @overload
    def call_streaming(
        self,
        path: str,
        request: bytes | Message = b"",
        *,
        answer: type[Answer],
        endless: bool = False,
        **options: Unpack[Options],
    ) -> Iteration[Answer]: ...
    @overload
    def call_streaming(
        self,
        path: str,
        request: bytes | Message = b"",
        *,
        answer: None = None,
        endless: bool = False,
        **options: Unpack[Options],
    ) -> Iteration[bytes]: ...
    def call_streaming(
        self,
        path: str,
        request: bytes | Message = b"",
        *,
        answer: type[Message] | None = None,
        endless: bool = False,
        **options: Unpack[Options],
    ) -> Iteration[Any]:
        """Iterate over the answers of a call that reads, and has several; otherwise as in `call`.

        Each answer is waited for as long as a call may take; those of an `endless` one, such as a subscription, as long
        as it takes. It is not made again after its first answer.
        """
        method = _method(path, request, answer, Shape.SERVER_STREAM, writes=False)
        answers = self._answers(method, request, CallOptions.of(**options), endless=endless)
        return self._stop.ends(Iteration(Drawing(answers)))

    async def _answers(
        self, method: Method[Any, Any], request: object, options: CallOptions, *, endless: bool
    ) -> AsyncGenerator[list[Any], None]:
        async with self._carrier.stream(method, [request], options, long_lived=endless) as answers:
            while batch := await answers.read():
                yield list(batch)


def _method(
    path: object, request: object, answer: type[Message] | None, shape: Shape, *, writes: bool
) -> Method[Any, Any]:
    found = _PATH.fullmatch(path) if isinstance(path, str) else None
    if found is None:
        raise InvalidArgument(f'path must be the path of a call, "/package.Service/Method", not {quoted(path)}')
    if not isinstance(request, bytes | Message):  # the value is not shown: it may hold anything
        raise InvalidArgument(f"request must be a protobuf message or its bytes, not {type(request).__name__}")
    if not (answer is None or _is_message(answer)):
        given = getattr(answer, "__name__", type(answer).__name__)
        raise InvalidArgument(f"answer must be a class of protobuf messages, or None for bytes, not {given}")
    asked = _BYTES if isinstance(request, bytes) else Codec(type(request), _same, _same)
    answered = _BYTES if answer is None else Codec(answer, _same, _same)
    return Method(found[1], found[2], shape, asked, answered, writes, since="")


def _is_message(answer: object) -> bool:
    return isinstance(answer, type) and issubclass(answer, Message)
