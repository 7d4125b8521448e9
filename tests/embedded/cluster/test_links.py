"""Messages as bytes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.cluster.links import encode, read_message
from fastapi_esdb.embedded.cluster.messages import (
    Append,
    Appended,
    Ask,
    Attach,
    Attached,
    Message,
    Outdated,
    Presence,
    TakeOver,
    Vote,
)
from fastapi_esdb.embedded.store.transactions import Epoch, Extent, Section
from fastapi_esdb.wire.admin.cluster import NodeState

ROW = (512, "strøm", 0, "T", uuid4().bytes, True, 1_700_000_000_000_000, b'{"n": 0}', b"")
OTHER = (700, "s", 2**63 - 1, "$streamDeleted", uuid4().bytes, False, 0, b"\x00\xff" * 1000, b"meta")
APPEND = Append(7, 512, Section([ROW, OTHER], [512], is_whole=True), 700, 12.5)

MESSAGES: list[Message] = [
    Ask(4, (3, 9000), is_forced=True),
    Vote(4, is_granted=False, is_whole=True, known_term=6),
    APPEND,
    replace(APPEND, section=Section([OTHER], [], is_whole=False)),
    Appended(7, 2**62, 0.25),
    Outdated(9),
    Attach(7, Extent((Epoch(1, 512), Epoch(4, 800)), 900)),
    Attach(7, Extent((), 512)),
    Attached(7, 800, 1000),
    TakeOver(7),
    Presence(uuid4(), "::1", 2113, NodeState.CLONE),
]


async def decoded(*frames: bytes) -> list[Message]:
    reader = asyncio.StreamReader()
    for frame in frames:
        reader.feed_data(frame)
    reader.feed_eof()
    return [await read_message(reader) for _ in frames]


async def test_round_trip() -> None:
    """Every kind of message comes out as it went in, one behind the other."""
    assert await decoded(*map(encode, MESSAGES)) == MESSAGES


@pytest.mark.parametrize("kept", [0, 3, 8, 20])
async def test_half_a_message(kept: int) -> None:
    """A connection that breaks within a message gives none."""
    with pytest.raises(EOFError):
        await decoded(encode(APPEND)[:kept])
