"""A TCP proxy that misbehaves on command."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Self

CHUNK = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class FaultProxy:
    """Stands between a client and a server on loopback. Its own port stays the same over `stop` and `start`.

    Up is from the client to the server, down is the way back. Each fault lasts until `heal`.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.connections = 0
        """Connections that were accepted, ever."""
        self.bytes_up = 0
        self.bytes_down = 0
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self.delayed = 0.0
        self.pace = 0
        self.passes_up = True
        self.passes_down = True
        self.down_limit: int | None = None

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return len(self._pairs)

    async def start(self) -> None:
        """Listen, again on the same port after `stop` or `refuse`."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse new connections and reset the open ones: the process behind the port has died."""
        self.refuse()
        await self.reset()

    def refuse(self) -> None:
        """Refuse new connections; open ones go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def reset(self) -> None:
        """Reset every open connection (RST)."""
        pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()
        await asyncio.gather(*(pair.ended.wait() for pair in pairs))

    def blackhole(self) -> None:
        """Take everything and pass nothing on, either way: a lost host, whose kernel still acknowledges."""
        self.passes_up = self.passes_down = False

    def mute(self) -> None:
        """Pass requests on and swallow what the server says: its answers are lost."""
        self.passes_down = False

    def delay(self, seconds: float) -> None:
        """Hold each piece of data back for so long, either way."""
        self.delayed = seconds

    def trickle(self, bytes_per_second: int) -> None:
        """Pass so many bytes on each second, either way."""
        self.pace = bytes_per_second

    def cut_after(self, count: int) -> None:
        """Reset the next connection that has passed so many bytes down, counted from now; later ones are spared."""
        self.down_limit = count
        for pair in self._pairs:
            pair.passed_down = 0

    def heal(self) -> None:
        """End every fault. What was swallowed is gone: reset the connections to have them made anew."""
        self.delayed, self.pace, self.down_limit = 0.0, 0, None
        self.passes_up = self.passes_down = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        pair = _Pair(self, reader, writer)
        self._pairs.add(pair)
        try:
            await pair.run()
        finally:
            self._pairs.discard(pair)
            pair.ended.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class _Pair:
    """One connection through the proxy: two pumps."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.ended = asyncio.Event()
        self.passed_down = 0
        self._proxy = proxy
        self._client = (reader, writer)
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._pumps: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Until either side has closed, or a reset."""
        try:
            self._server = await asyncio.open_connection("127.0.0.1", self._proxy.target_port)
        except OSError:
            self.reset()
            return
        down = self._pump(self._server[0], self._client[1], is_down=True)
        up = self._pump(self._client[0], self._server[1], is_down=False)
        self._pumps = [asyncio.create_task(down), asyncio.create_task(up)]
        await asyncio.wait(self._pumps, return_when=asyncio.FIRST_COMPLETED)
        self.reset()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def reset(self) -> None:
        """Close both sides with an RST."""
        for side in (self._client, self._server):
            if side is not None:
                _reset(side[1])
        for pump in self._pumps:
            pump.cancel()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_down: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(self._proxy.pace or CHUNK):
                await self._hold_back()
                if not await self._pass_on(data, writer, is_down):
                    return

    async def _hold_back(self) -> None:
        if self._proxy.delayed:
            await asyncio.sleep(self._proxy.delayed)
        if self._proxy.pace:
            await asyncio.sleep(1)

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter, is_down: bool) -> bool:
        """Whether the connection goes on."""
        proxy = self._proxy
        if not (proxy.passes_down if is_down else proxy.passes_up):
            return True
        data, goes_on = self._measure(data, is_down)
        writer.write(data)
        await writer.drain()
        return goes_on

    def _measure(self, data: bytes, is_down: bool) -> tuple[bytes, bool]:
        """Count the data, and cut it where the limit is."""
        if not is_down:
            self._proxy.bytes_up += len(data)
            return data, True
        limit = self._proxy.down_limit
        if limit is not None:
            data = data[: max(0, limit - self.passed_down)]
        self.passed_down += len(data)
        self._proxy.bytes_down += len(data)
        goes_on = limit is None or self.passed_down < limit
        if not goes_on:
            self._proxy.down_limit = None
        return data, goes_on


def _reset(writer: asyncio.StreamWriter) -> None:
    plain: socket.socket | None = writer.get_extra_info("socket")
    if plain is not None and plain.fileno() >= 0:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
