"""A client of HTTP/1.1 that costs next to nothing: one connection, one request at a time."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

LENGTH = b"content-length: "


class HttpClient:
    """Asks for paths over a connection that stays open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def get(self, path: str) -> bytes:
        """The body. Raises RuntimeError for anything but 200."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        body = await self._reader.readexactly(_length(head))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path} answered {head.splitlines()[0].decode()}: {body.decode()}")
        return body

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


def _length(head: bytes) -> int:
    found = next(line for line in head.lower().split(b"\r\n") if line.startswith(LENGTH))
    return int(found.removeprefix(LENGTH))
