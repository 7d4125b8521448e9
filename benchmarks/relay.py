"""A relay that hands on what a server sends in pieces, as a server does that writes several events at a time.

    python -m benchmarks.relay HOST PORT      prints where it listens

The embedded server hands each event to the network by itself, which wakes a client for each of them.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import StreamReader, StreamWriter

PIECE = 64 * 1024
"""Bytes of a piece at most."""

PAUSE = 0.002
"""Seconds between two pieces, in which the next one gathers."""


async def hand_on(reader: StreamReader, writer: StreamWriter, pause: float = 0.0) -> None:
    """Write what comes, with a pause after each piece, until there is no more."""
    while data := await reader.read(PIECE):
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause)
    writer.close()


async def main(host: str, port: int) -> None:
    """Connect whoever comes with the server, until the process is ended."""

    async def relay(reader: StreamReader, writer: StreamWriter) -> None:
        answers, requests = await asyncio.open_connection(host, port)
        both = hand_on(reader, requests), hand_on(answers, writer, PAUSE)
        await asyncio.gather(*both, return_exceptions=True)

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(f"esdb://127.0.0.1:{server.sockets[0].getsockname()[1]}?tls=false", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
