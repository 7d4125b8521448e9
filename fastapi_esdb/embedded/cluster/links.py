"""The connections between the nodes of a cluster: sockets in a directory that only their user may enter.

Each node dials every other one, and sends on the connection that it dialled. When a process ends, the others notice at
once; when it is frozen, they notice nothing. A message is a head of JSON, and behind it the bytes that JSON can't hold.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, get_args
from uuid import UUID

from fastapi_esdb.embedded.cluster.messages import Message
from fastapi_esdb.embedded.store.transactions import Epoch, Extent, Section
from fastapi_esdb.embedded.store.work import Breaks
from fastapi_esdb.wire.admin.cluster import NodeState

_SIZES = struct.Struct(">II")
_KINDS = {kind.__name__: kind for kind in get_args(Message)}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS.values()}
_READERS: dict[str, Callable[[Any], Any]] = {
    "rank": tuple,
    "section": lambda value: Section([tuple(row) for row in value[0]], value[1], value[2]),
    "extent": lambda value: Extent(tuple(Epoch(*epoch) for epoch in value[0]), value[1]),
    "instance_id": UUID,
    "state": NodeState,
}
"""Fields that JSON gives back as something else than they were."""

log = logging.getLogger(__name__)

REDIAL = 0.1
"""Seconds between two attempts to reach a node that is not there."""

MAX_UNSENT = 64 * 1024 * 1024
"""Bytes that may lie before a node that takes nothing, frozen perhaps; what comes on top of them is lost."""

NUMBER_SIZE = 1
"""Bytes of the node number that each connection begins with."""


def encode(message: Message) -> bytes:
    """Return a frame: the sizes of its two parts, and both parts."""
    blobs: list[bytes] = []

    def put_aside(value: object) -> object:
        if isinstance(value, bytes):
            blobs.append(value)
            return {"bytes": len(value)}
        return value.value if isinstance(value, NodeState) else str(value)

    kind = type(message)
    values = [getattr(message, name) for name in _FIELDS[kind]]
    head = json.dumps([kind.__name__, *values], default=put_aside).encode()
    body = b"".join(blobs)
    return _SIZES.pack(len(head), len(body)) + head + body


async def read_message(reader: asyncio.StreamReader) -> Message:
    """Read the next message. Raises EOFError if there is none, or half of one."""
    head_size, body_size = _SIZES.unpack(await reader.readexactly(_SIZES.size))
    return _decode(await reader.readexactly(head_size), await reader.readexactly(body_size))


def _decode(head: bytes, body: bytes) -> Message:
    offset = 0

    def put_back(mark: dict[str, int]) -> bytes:
        nonlocal offset
        start, offset = offset, offset + mark["bytes"]
        return body[start:offset]

    name, *values = json.loads(head, object_hook=put_back)
    kind = _KINDS[name]
    read = (_READERS.get(field, _as_it_is) for field in _FIELDS[kind])
    message: Message = kind(*(reader(value) for reader, value in zip(read, values, strict=True)))
    return message


def _as_it_is(value: Any) -> Any:
    return value


class Listener(Protocol):
    """Hears what comes from other nodes."""

    def connected(self, node: int) -> None:
        """Take note that messages can be sent to the node from now on."""

    def lost(self, node: int) -> None:
        """Take note that the node's process has ended."""

    def receive(self, node: int, message: Message) -> None:
        """Take a message from the node."""


class Links:
    """The connections of one node."""

    def __init__(self, me: int, nodes: int, directory: Path, listener: Listener) -> None:
        self.me = me
        self.others = [node for node in range(nodes) if node != me]
        self._directory = directory
        self._listener = listener
        self._cut: frozenset[int] = frozenset()
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._receiving: set[asyncio.Task[None]] = set()
        self._dialling: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, and begin to dial."""
        self._server = await asyncio.start_unix_server(self._accept, self._path(self.me))
        self._dialling = [asyncio.create_task(self._keep_dialled(node)) for node in self.others]

    async def close(self) -> None:
        """End all connections; the others take this node for ended."""
        if self._server:
            self._server.close()
        tasks = [*self._dialling, *self._receiving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def is_connected(self, node: int) -> bool:
        return node in self._writers

    def is_cut(self, node: int) -> bool:
        """Return whether this node is cut off from the other one."""
        return node in self._cut

    def cut(self, nodes: Iterable[int]) -> None:
        """Drop everything to and from these nodes, and those alone, as a broken network would."""
        self._cut = frozenset(nodes)

    def send(self, node: int, message: Message) -> None:
        """Send a message, if the node is there and takes it."""
        writer = self._writers.get(node)
        if writer and not self.is_cut(node) and writer.transport.get_write_buffer_size() < MAX_UNSENT:
            writer.write(encode(message))

    def _path(self, node: int) -> Path:
        return self._directory / f"{node}.link"

    async def _keep_dialled(self, node: int) -> None:
        while True:
            with suppress(OSError):
                await self._dial(node)
            await asyncio.sleep(REDIAL)

    async def _dial(self, node: int) -> None:
        """Connect, and stay connected while the node lives; it never answers on this connection."""
        reader, writer = await asyncio.open_unix_connection(self._path(node))
        try:
            writer.write(self.me.to_bytes(NUMBER_SIZE))
            self._writers[node] = writer
            self._listener.connected(node)
            await reader.read()
        finally:
            del self._writers[node]
            writer.close()
            self._listener.lost(node)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101  asyncio calls this in a task
        self._receiving.add(task)
        try:
            # only `close` cancels this, and asyncio's streams of Python 3.11 take a cancelled handler for an error
            with suppress(EOFError, OSError, asyncio.CancelledError):
                await self._receive(reader)
        finally:
            self._receiving.discard(task)
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        node = int.from_bytes(await reader.readexactly(NUMBER_SIZE))
        breaks = Breaks()
        while True:
            await breaks.take()  # reading what is there already lets nobody else have a turn
            message = await read_message(reader)
            if not self.is_cut(node):
                self._listener.receive(node, message)
