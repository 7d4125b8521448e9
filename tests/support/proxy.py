"""A TCP proxy that misbehaves on command."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Self

Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CHUNK = 64 * 1024
BACKLOG = 100
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
        self._listener: socket.socket | None = None
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
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=BACKLOG)
            self._listener.setblocking(False)
            self.port = self._listener.getsockname()[1]
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    async def stop(self) -> None:
        """Refuse new connections and reset the open ones: the process behind the port has died."""
        self.refuse()
        await self.reset()

    def refuse(self) -> None:
        """Refuse new connections; open ones go on."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def reset(self) -> None:
        """Reset every open connection (RST), at once: what comes after it was called is not passed on."""
        await asyncio.gather(*[pair.reset() for pair in list(self._pairs)], return_exceptions=True)

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

    def _accept(self, listener: socket.socket) -> None:
        """One connection, known from now on: none is on its way here when the proxy is stopped."""
        with suppress(BlockingIOError, ConnectionAbortedError):
            client, _ = listener.accept()
            self.connections += 1
            self._pairs.add(_Pair(self, client, self._pairs.discard))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class _Pair:
    """One connection through the proxy: two pumps."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, ended: Callable[[_Pair], None]) -> None:
        self.passed_down = 0
        self._proxy = proxy
        self._client = _resetting(client)
        self._ended = ended
        self._writers: list[asyncio.StreamWriter] = []
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._close)

    def reset(self) -> asyncio.Task[None]:
        """Close both sides with an RST; the task ends when that is done."""
        self._close()
        self._task.cancel()
        return self._task

    async def _run(self) -> None:
        """Until either side has closed, or a reset."""
        with suppress(OSError):
            up_reader, up_writer = self._keep(await asyncio.open_connection(sock=self._client))
            down_reader, down_writer = self._keep(await asyncio.open_connection("127.0.0.1", self._proxy.target_port))
            down = asyncio.create_task(self._pump(down_reader, up_writer, is_down=True))
            up = asyncio.create_task(self._pump(up_reader, down_writer, is_down=False))
            try:
                await asyncio.wait((down, up), return_when=asyncio.FIRST_COMPLETED)
            finally:
                down.cancel()
                up.cancel()

    def _keep(self, side: Side) -> Side:
        self._writers.append(side[1])
        _resetting(side[1].get_extra_info("socket"))
        return side

    def _close(self, *_: object) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._client.close()
        self._ended(self)

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


def _resetting(plain: socket.socket) -> socket.socket:
    """The socket, whose peer is told by an RST when it is closed."""
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    return plain
