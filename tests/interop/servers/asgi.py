"""gRPC by hand in an ASGI app: what hypercorn serves over the `h2` library. Messages are bytes, as in `node.cjs`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from fastapi_esdb.connection.http2.messages import MessageReader, framed

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

PIECE = 10
"""Messages that are sent together."""


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer `Echo`, `Many` and `Fail`; `Never` waits until the client has had enough."""
    if scope["type"] != "http":
        return
    request = await _request(receive)
    headers = [(b"content-type", b"application/grpc"), (b"trailer", b"grpc-status")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
    trailers: Headers = [(b"grpc-status", b"0")]
    match scope["path"].rpartition("/")[2]:
        case "Echo":
            await _body(send, framed(request))
        case "Many":
            await _many(send, *map(int, request.split()))
        case "Never":
            await receive()
        case "Fail":
            trailers = [
                (b"grpc-status", b"10"),
                (b"grpc-message", quote("für 100 %").encode()),
                (b"reason", b"because"),
                (b"reason-bin", b"AAH/"),
            ]
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    await send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})


async def _request(receive: Receive) -> bytes:
    reader, is_whole = MessageReader(1 << 24), False
    while not is_whole:
        part = await receive()
        body = part.get("body", b"")
        reader.feed(body, 0, len(body))
        is_whole = not part.get("more_body", False)
    [message] = reader.take()
    return message


async def _many(send: Send, count: int, size: int) -> None:
    messages = [framed(bytes([number % 256]) * size) for number in range(count)]
    for start in range(0, count, PIECE):
        await _body(send, b"".join(messages[start : start + PIECE]))


async def _body(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
