"""What the forms of the page do: dead letters, consumers, connections. Each leads back to the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import HTTPException, Request

from fastapi_esdb.wire.errors import InvalidArgument

if TYPE_CHECKING:
    from fastapi_esdb.plugin.consumers.consumers import AppConsumer, Consumers
    from fastapi_esdb.plugin.started import Started

LARGEST_FORM = 65_536
"""Bytes; a form names a consumer and the numbers of some dead letters."""
MOST_FIELDS = 1_100
REPLAY_TIMEOUT = 10.0
"""Seconds that a browser waits until dead letters are handled again; the consumer goes on with them."""

DONE = {
    "replay": "Dead letters that were handled now: {count}.",
    "drop": "Dead letters that were dropped: {count}.",
    "pause": "The consumer pauses.",
    "resume": "The consumer goes on.",
    "close": "The connections are closed, and stay so until you connect again.",
    "connect": "The pool connects again.",
    "reconnect": "The connections were replaced by fresh ones.",
}
"""What the page says when something is done."""

Form = Mapping[str, Sequence[str]]


async def form_of(request: Request) -> Form:
    """Return the fields of a form. Raises 413 for one that is too large, and `InvalidArgument`."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise HTTPException(413, "the form is too large")
    try:
        return parse_qs(body.decode(), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidArgument("the form can't be read: send application/x-www-form-urlencoded") from None


async def obey(form: Form, started: Started, consumers: Consumers) -> Mapping[str, str | int]:
    """Do what a form says, and return what the page is told about it. Raises what hinders it."""
    command = _one(form, "do")
    if command in ("replay", "drop"):
        letters = _consumer(form, consumers).dead_letters
        numbers = [_number(text) for text in form.get("number", ())]
        settle = letters.drop(*numbers) if command == "drop" else letters.replay(*numbers, timeout=REPLAY_TIMEOUT)
        return {"done": command, "count": await settle}
    if command in ("pause", "resume"):
        consumer = _consumer(form, consumers)
        await (consumer.pause() if command == "pause" else consumer.resume())
    elif command == "close":
        await started.pool.close()
    elif command == "connect":
        await started.pool.connect()
    elif command == "reconnect":
        await (started.pool.connect() if started.pool.is_closed else started.pool.reconnect())
    else:
        raise InvalidArgument(f"do must be one of {', '.join(DONE)}")
    return {"done": command}


def _one(form: Form, name: str) -> str:
    return form.get(name, ("",))[0]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidArgument("number must be that of a dead letter")
    return int(text[:20])


def _consumer(form: Form, consumers: Consumers) -> AppConsumer:
    name = _one(form, "consumer")
    if name not in consumers:
        raise InvalidArgument(f"there is no consumer {name[:80]!r}")
    return consumers[name]
