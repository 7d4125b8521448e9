"""The data of events as JSON: what the standard library can write, and what FastAPI writes beside it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import deque
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import PurePath
from re import Pattern
from typing import Any
from uuid import UUID

from pydantic import AnyUrl, BaseModel
from pydantic_core import Url

from fastapi_esdb.api.model_json import model_json
from fastapi_esdb.wire.errors import InvalidArgument

AS_TEXT = (
    UUID,
    PurePath,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    AnyUrl,
    Url,
)
AS_LIST = (set, frozenset, deque)


def json_data(value: Any, name: str) -> bytes:
    """The value as compact JSON. Raises `InvalidArgument`, which names the place in it where that can't be."""
    try:
        if isinstance(value, BaseModel):
            return model_json(value, type(value).__name__)
        return _encoded(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"{name} cannot be written as JSON: {_reason(value, error)}") from None


def _encoded(value: Any) -> str:
    try:
        return _JSON.encode(value)
    except TypeError:  # of a key that is no text
        return _JSON.encode(_with_plain_keys(value))


def _plain(value: Any) -> Any:  # noqa: C901, PLR0911 - a table of types, with what is done to each
    """What stands for a value that the standard library does not know, as FastAPI's `jsonable_encoder` has it."""
    if isinstance(value, BaseModel):
        return json.loads(model_json(value, type(value).__name__))
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, AS_TEXT):
        return str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, AS_LIST):
        return list(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Pattern):
        return value.pattern
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a value of type {type(value).__name__}")


_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _number(value: Decimal) -> int | float:
    """A whole number, or the double nearest to it. Raises ValueError for one that a double would change."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0:
        return int(value)
    number = float(value)
    if math.isfinite(number) and Decimal(repr(number)) != value:
        raise ValueError("a Decimal of more digits than a JSON number keeps: write it as a text, str(value)")
    return number


def _with_plain_keys(value: Any) -> Any:
    """The same with keys that JSON can have."""
    if isinstance(value, Mapping):
        return {_key(key): _with_plain_keys(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_plain_keys(item) for item in value]
    if isinstance(value, (str, int, float, type(None), BaseModel)):
        return value
    return _with_plain_keys(_plain(value))


def _key(key: Any) -> Any:
    return key if isinstance(key, (str, int, float, type(None))) else _key(_plain(key))


def _reason(value: Any, error: Exception) -> str:
    """Where in the value the error is, and what it is, without the value itself."""
    try:
        path, found = _first_bad(value, "") or ("", error)
    except RecursionError:
        return "it holds itself, or is nested too deep"
    return f"{path.removeprefix('.')}: {found}" if path else str(found)


def _first_bad(value: Any, path: str) -> tuple[str, Exception] | None:
    """The innermost part of the value that is at fault by itself."""
    inner = value if isinstance(value, (dict, list, tuple, str, int, float, type(None))) else None
    try:
        if inner is None:
            inner = _plain(value)
        if isinstance(inner, float) and not math.isfinite(inner):
            raise ValueError("NaN and infinity are no JSON numbers")
        if isinstance(inner, str):
            inner.encode()
        if isinstance(inner, dict):
            for key in inner:
                _JSON.encode({_key(key): None}).encode()
    except (TypeError, ValueError) as error:
        return path, error
    parts: list[tuple[str, Any]] = []
    if isinstance(inner, dict):
        parts = [(f"{path}.{key}", item) for key, item in inner.items()]
    elif isinstance(inner, (list, tuple)):
        parts = [(f"{path}[{number}]", item) for number, item in enumerate(inner)]
    return next((bad for part, item in parts if (bad := _first_bad(item, part))), None)
