"""What bounds calls whose answers stream, whatever a server sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi_esdb.connection.transport import MOST_ANSWERS
from fastapi_esdb.wire.errors import DeadlineExceeded, NoAnswer
from fastapi_esdb.wire.streams.values import UnknownFrame

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import Stream

Answer = TypeVar("Answer")


async def listed(answers: Stream[Any, Answer]) -> tuple[Answer, ...]:
    """All answers of a call that lists something. Raises `NoAnswer` for a list that nothing can be that long."""
    found = tuple(await answers.whole(MOST_ANSWERS))
    if len(found) >= MOST_ANSWERS:
        raise NoAnswer(f"it has {MOST_ANSWERS} parts, and more to come")
    return found


async def first_told(read: Callable[[], Awaitable[Sequence[Answer]]], seconds: float) -> list[Answer]:
    """The first frames of a call that tell anything; none if it ends without.

    Raises `DeadlineExceeded` when they have not come after so many `seconds`, whatever else has.
    """
    try:
        async with asyncio.timeout(seconds):
            while frames := await read():
                if told := [frame for frame in frames if not isinstance(frame, UnknownFrame)]:
                    return told
    except TimeoutError:
        raise DeadlineExceeded from None
    return []
