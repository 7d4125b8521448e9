"""The key of a request: reading the header, naming the key's stream, and telling one request from another."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any
from uuid import UUID, uuid5

from fastapi import Request

from fastapi_esdb.plugin import problems as kinds
from fastapi_esdb.plugin.problems import Refusal

HEADER = "Idempotency-Key"
MOST_CHARACTERS = 255
AGAIN = {"Retry-After": "1"}


class KeyMissing(Refusal):
    """400: the route must be given an `Idempotency-Key`."""

    kind = kinds.KEY_MISSING

    def __init__(self) -> None:
        super().__init__(f'send a key of your own, another one for each request that is new: {HEADER}: "8e03978e-…"')


class KeyMalformed(Refusal):
    """400: the `Idempotency-Key` is no string in double quotes."""

    kind = kinds.KEY_MALFORMED

    def __init__(self) -> None:
        super().__init__(f'{HEADER} must be 1 to {MOST_CHARACTERS} characters of ASCII in double quotes: "8e03978e-…"')


class KeyReused(Refusal):
    """422: the key was used for another request before."""

    kind = kinds.KEY_REUSED

    def __init__(self) -> None:
        super().__init__("the key belongs to another request: send a new one with a new request")


class KeyInUse(Refusal):
    """409: a request with this key is being carried out."""

    kind = kinds.KEY_IN_USE

    def __init__(self) -> None:
        super().__init__("the first request with this key is not answered yet: send it again later", AGAIN)


class AnswerLost(Refusal):
    """500: a request with this key was carried out, and its answer was not stored and can't be made again."""

    kind = kinds.ANSWER_LOST

    def __init__(self) -> None:
        super().__init__("a request with this key was carried out before, or has begun: look at what it was to change")


_STRING = re.compile(r' *"((?:[ !#-\[\]-~]|\\["\\])*)" *(?:; *[a-z*][a-z0-9_.*-]*(?:=[^;,]*)?)*')
"""An item of a structured field that is a string (RFC 9651 3.3.3). Its parameters mean nothing here."""


def key_of(request: Request) -> str | None:
    """Return the key of a request, `None` without the header. Raises `KeyMalformed`."""
    lines = request.headers.getlist(HEADER)
    if not lines:
        return None
    match = _STRING.fullmatch(",".join(lines))
    key = re.sub(r'\\(["\\])', r"\1", match[1]) if match else ""
    if not 1 <= len(key) <= MOST_CHARACTERS:
        raise KeyMalformed
    return key


def key_stream(prefix: str, route: str, caller: Any, key: str) -> str:
    """Return the name of the key's stream: another one for each route and caller. It does not show any of them."""
    text = json.dumps([route, caller, key], default=str, sort_keys=True)
    return prefix + hashlib.sha256(text.encode()).hexdigest()[:40]


def fingerprint_of(key: str, request: Request, body: bytes) -> str:
    """Return what tells a request from another one with the same key. Who has not the key can't guess at its data."""
    target = f"{request.method} {request.url.path}?{request.url.query}"
    message = target.encode() + b"\n" + _canonical(request.headers.get("Content-Type", ""), body)
    return hmac.digest(key.encode(), message, "sha256").hex()


def _canonical(content_type: str, body: bytes) -> bytes:
    """JSON whatever the order of its members and the spaces between them; anything else byte by byte."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return body
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body


class RequestKey:
    """The key of a request, to make ids from that are the same when the request is sent again."""

    def __init__(self, stream: str) -> None:
        self._stream = stream

    def uuid(self, name: str = "") -> UUID:
        """Return an id that is the same whenever the request is sent again; another one for each `name`."""
        return uuid5(_IDS, f"{self._stream} {name}")


_IDS = UUID("5a2d4e7e-6f0b-4bb5-9a59-0b5f3f9f3d1c")
