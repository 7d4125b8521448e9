"""Answers that no server should give: made of real ones, by chance, the same for the same seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.status.rich_details import RICH_STATUS
from fastapi_esdb.wire.status.trailers import ROWS
from tests.conformance.fixtures import exchanges, to_message
from tests.support.fake_server import Call, Script, endless, framed, replies, stays_open

Make = Callable[[random.Random, Method[Any, Any]], Script]

METHODS = {method.path: method for method in all_methods()}

NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**62, 2**63 - 1, -(2**63), 2**63, 2**64 - 1)
TEXTS = ("", "x", "9" * 5000, "-1", "\x00", "\ud7ff", "a\nb\x1b[31m", "C:" + "9" * 5000 + "/P:1", "::1%2Eevil.test")
BYTES = (b"", b"\xff", b"[" * 50_000, b"1" * 5000, b'{"a":NaN}', b"\x00" * 100)
CODES = (*range(18), 99, -1, 10**12)


@cache
def real_answers(path: str) -> tuple[bytes, ...]:
    """What real servers have answered to a call, or at least an empty message."""
    message = METHODS[path].response.message
    found = (to_message(message, one) for step in exchanges() if f"/{step.rpc}" == path for one in step.responses)
    return tuple(dict.fromkeys(answer.SerializeToString() for answer in found)) or (b"",)


def odd_script(chance: random.Random, method: Method[Any, Any]) -> Script:
    """How a call of the method is answered."""
    return chance.choice(KINDS)(chance, method)


def _bytes(chance: random.Random, _: Method[Any, Any]) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 5, 50, 500)))


def _cut(chance: random.Random, method: Method[Any, Any]) -> bytes:
    data = chance.choice(real_answers(method.path))
    return data[: chance.randrange(len(data) + 1)]


def _turned(chance: random.Random, method: Method[Any, Any]) -> bytes:
    data = bytearray(chance.choice(real_answers(method.path)))
    for _ in range(chance.randrange(1, 8)):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def _extreme(chance: random.Random, method: Method[Any, Any]) -> bytes:
    message: Any = method.response.message.FromString(chance.choice(real_answers(method.path)))
    for _ in range(chance.randrange(1, 6)):
        _fill(chance, message)
    data: bytes = message.SerializeToString()
    return data


def _fill(chance: random.Random, message: Any) -> None:
    """Put something extreme into one of the fields, or leave it out."""
    field = chance.choice(message.DESCRIPTOR.fields) if message.DESCRIPTOR.fields else None
    if field is None or chance.random() < 0.1:
        if field is not None:
            message.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        _fill_map(chance, getattr(message, field.name))
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        _fill(chance, inner.add() if field.is_repeated else inner)
    elif field.is_repeated:
        getattr(message, field.name).extend([_value(chance, field)] * chance.choice((1, 300)))
    else:
        setattr(message, field.name, _value(chance, field))


def _fill_map(chance: random.Random, fields: Any) -> None:
    """Put a text under a name that means something; a map of messages is emptied."""
    try:
        fields[chance.choice(("created", "type", "content-type", "x"))] = chance.choice(TEXTS)
    except ValueError:
        fields.clear()


def _value(chance: random.Random, field: FieldDescriptor) -> Any:
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING:
        return chance.choice(BYTES if field.type == field.TYPE_BYTES else TEXTS)
    if kind in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return chance.choice((0.0, -1.0, 1e308, float("inf"), float("nan")))
    if kind == field.CPPTYPE_BOOL:
        return chance.random() < 0.5
    bits = 32 if kind in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32, field.CPPTYPE_ENUM) else 64
    unsigned = kind in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64)
    least, most = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return min(max(chance.choice(NUMBERS), least), most)


def _real(chance: random.Random, method: Method[Any, Any]) -> bytes:
    return chance.choice(real_answers(method.path))


MESSAGES = (_bytes, _cut, _turned, _extreme, _extreme, _real)


def _messages(chance: random.Random, method: Method[Any, Any]) -> list[bytes]:
    kinds = [chance.choice(MESSAGES) for _ in range(chance.choice((0, 1, 1, 1, 2, 5, 40)))]
    return [kind(chance, method) for kind in kinds]


def _trailers(chance: random.Random) -> dict[str, str | bytes]:
    row = chance.choice(ROWS)
    values = [text.encode(errors="surrogatepass").replace(b"\n", b"") for text in TEXTS] + [b"\xff\xfe\xe9", b"s"]
    told: dict[str, str | bytes] = {name: chance.choice(values) for name in row.trailers}
    exception = chance.choice((row.exception.encode(), b"of-a-newer-server", b"\xff"))
    rich = chance.choice((None, b"!!!", b"AAAA", chance.randbytes(30)))
    return {"exception": exception, **told, **({} if rich is None else {RICH_STATUS: rich})}


def _ended(chance: random.Random, method: Method[Any, Any]) -> Script:
    """Messages, and some status; in the middle of them, if there are many."""
    messages, status = _messages(chance, method), chance.choice((0, 0, 0, *CODES))
    trailers = _trailers(chance) if chance.random() < 0.6 else {}
    details = chance.choice(("", "Server Is Not Ready", "%FF%zz", "x" * 5000, b"\xff\xfe", "too_many_pings"))
    return replies(*messages, status=status, details=details, trailers=trailers)


def _left_open(chance: random.Random, method: Method[Any, Any]) -> Script:
    return stays_open(*_messages(chance, method))


def _endless(chance: random.Random, method: Method[Any, Any]) -> Script:
    return endless(chance.choice(MESSAGES)(chance, method), chance.choice((0.005, 0.02)))


def _echoing(chance: random.Random, method: Method[Any, Any]) -> Script:
    """One answer to each request."""
    messages = _messages(chance, method) or [b""]

    async def script(call: Call) -> None:
        for message in messages:
            if await call.receive() is None:
                break
            await call.send(message)
        await call.end()

    return script


def _misframed(chance: random.Random, method: Method[Any, Any]) -> Script:
    """Bytes that are no messages, or not whole ones."""
    body = framed(_real(chance, method))
    odd: Sequence[bytes] = (
        body[: chance.randrange(len(body))],
        b"\x01" + body[1:],
        b"\x07" + body[1:],
        b"\x00\xff\xff\xff\xff",
        chance.randbytes(40),
    )
    data, encoding = chance.choice(odd), chance.choice(("gzip", "identity", "nonsense", b"\xff"))

    async def script(call: Call) -> None:
        await call.receive()
        call.begin(("grpc-encoding", encoding))
        await call.send_raw(data)
        await call.end(chance.choice((0, 2)))

    return script


def _broken_off(chance: random.Random, method: Method[Any, Any]) -> Script:
    """A call, or a connection, that ends below gRPC."""
    messages, way, code = _messages(chance, method), chance.randrange(4), chance.randrange(15)
    garbage = chance.randbytes(30)

    async def script(call: Call) -> None:
        await call.receive()
        for message in messages:
            await call.send(message)
        if way == 0:
            call.disconnect()
        elif way == 1:
            call.raw(garbage)
            await asyncio.sleep(0.05)
            call.disconnect()
        else:
            call.reset(code)

    return script


KINDS: tuple[Make, ...] = (_ended, _ended, _ended, _ended, _left_open, _endless, _echoing, _misframed, _broken_off)
