"""What is written and read: events of 250 bytes in streams that nobody else has."""

from __future__ import annotations

from uuid import uuid4

from fastapi_esdb import NewEvent, connect

TYPE = "OrderPlaced"
DATA = b'{"order":"' + b"x" * 238 + b'"}'
"""250 bytes of JSON."""

CONTENT_TYPE = "application/json"
PAGE = 500
"""Events in one append of the preparation."""


def new_event(data: bytes = DATA) -> NewEvent:
    """One of them."""
    return NewEvent(TYPE, data, content_type=CONTENT_TYPE)


def fresh_stream() -> str:
    return f"bench-{uuid4().hex}"


async def filled_stream(target: str, events: int, data: bytes = DATA) -> str:
    """A new stream with so many events."""
    stream = fresh_stream()
    async with connect(target) as esdb:
        await esdb.wait_connected(10)
        for start in range(0, events, PAGE):
            page = [new_event(data) for _ in range(min(PAGE, events - start))]
            await esdb.append(stream, page, timeout=60)
    return stream


async def server_version(target: str) -> str:
    """What the server says that it is."""
    async with connect(target) as esdb:
        await esdb.wait_connected(10)
        return esdb.server_version or "unknown"
