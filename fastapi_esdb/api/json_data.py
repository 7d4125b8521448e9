"""The data of events as JSON: what the standard library writes, what FastAPI adds to that, and pydantic models."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import PurePath
from re import Pattern
from typing import Any, get_args
from uuid import UUID

from pydantic import AnyUrl, BaseModel, RootModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, Url, to_jsonable_python

from fastapi_esdb.wire.errors import InvalidArgument

WAY_OUT = (
    "what a model writes must be what it reads: look at its aliases, serializers and validators, or encode it yourself "
    "and pass the bytes, with content_type='application/json'"
)
FORMS: tuple[dict[str, Any], ...] = ({}, {"round_trip": True})
"""As the model says; then, for one that does not read that, what pydantic has for models like `Json[...]`."""


def model_json(model: BaseModel, path: str) -> bytes:
    """The model as JSON, by its own rules and with its aliases.

    Raises `InvalidArgument` where the model would not read back what it has written: the error names the field.
    """
    lost = ""
    for form in FORMS:
        data = _written(model, path, form)
        found = _loss(model, data, path)
        if not found:
            return data
        lost = lost or found
    raise InvalidArgument(lost)


def _written(model: BaseModel, path: str, form: dict[str, Any]) -> bytes:
    kind = type(model)
    try:
        if kind.model_dump_json is not BaseModel.model_dump_json:  # the class has a way of its own
            return model.model_dump_json().encode()
        if "serialize_by_alias" not in model.model_config:
            form = {**form, "by_alias": True}
        return model.model_dump_json(**form, warnings=False).encode()
    except (PydanticSerializationError, UnicodeError):
        raise InvalidArgument(f"{path}{_unwritten(model)} holds what pydantic has no JSON for") from None


def _unwritten(model: BaseModel) -> str:
    """The first field that cannot be written by itself, as the end of a path."""
    for name in type(model).model_fields:
        try:
            model.model_dump_json(include={name}, warnings=False).encode()
        except (PydanticSerializationError, UnicodeError):
            return f".{name}"
    return ""


def _loss(model: BaseModel, data: bytes, path: str) -> str:
    """What would be lost; empty if nothing would."""
    if _has_no_json_number(data):
        return f"{path} holds a number that {NOT_JSON}"
    try:
        read = type(model).model_validate_json(data)
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False, include_context=False, include_input=False)
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        return _text(f"{path}{where}", _value_at(model, first["loc"]), f"it would not be read back ({first['type']})")
    if read == model:
        return ""
    found = next(_differences(model, read, path), None)
    return _text(*found) if found else ""


def _has_no_json_number(data: bytes) -> bool:
    """Whether it has NaN or Infinity where numbers stand: models may be set to write that, which is no JSON."""
    if not any(word in data for word in NO_NUMBERS):
        return False
    found: list[str] = []
    json.loads(data, parse_constant=found.append)
    return bool(found)


NO_NUMBERS = (b"NaN", b"Infinity")
NOT_JSON = "is NaN or infinite, and JSON has no such number"

Difference = tuple[str, Any, str]
"""Where it is, what it was, and what has become of it."""

CHANGED = "it would be read back as another value"


def _differences(was: Any, read: Any, path: str) -> Iterator[Difference]:
    if isinstance(was, BaseModel) and isinstance(read, BaseModel):
        yield from _of_models(was, read, path)
    elif isinstance(was, dict) and isinstance(read, dict) and was.keys() == read.keys():
        for key, value in was.items():
            yield from _differences(value, read[key], f"{path}[{key!r}]")
    elif isinstance(was, (list, tuple)) and type(was) is type(read) and len(was) == len(read):
        for number, (value, other) in enumerate(zip(was, read, strict=True)):
            yield from _differences(value, other, f"{path}[{number}]")
    elif was != read and not (_is_nan(was) and _is_nan(read)):
        yield path, was, CHANGED


def _of_models(was: BaseModel, read: BaseModel, path: str) -> Iterator[Difference]:
    if type(was) is not type(read):
        kept = type(read).__name__
        yield path, was, f"it is a {type(was).__name__}, and the {kept} that is declared would be read back"
        return
    fields, others = type(was).model_fields, _values_of(read)
    for name, value in _values_of(was).items():
        field = fields.get(name)
        if field is None or not _is_excluded(field, value):
            other = others.get(name)
            if not (field and _holds_any(field.annotation) and _is_same_json(value, other)):
                yield from _differences(value, other, f"{path}.{name}")


def _values_of(model: BaseModel) -> dict[str, Any]:
    """The values of its fields, and of the extra ones that it allows; classes may iterate over something else."""
    return {name: getattr(model, name) for name in type(model).model_fields} | (model.model_extra or {})


def _is_excluded(field: FieldInfo, value: Any) -> bool:
    """Whether the model says itself that the field is not to be written."""
    condition = getattr(field, "exclude_if", None)
    return bool(field.exclude or (condition and condition(value)))


def _holds_any(annotation: Any) -> bool:
    """Whether the type leaves open what is in it: then what JSON has for a value is as good as the value."""
    return annotation in (Any, object, dict, list, tuple, set) or any(map(_holds_any, get_args(annotation)))


def _is_same_json(was: Any, read: Any) -> bool:
    return not _holds_secret(was) and bool(to_jsonable_python(was, by_alias=True) == to_jsonable_python(read))


def _holds_secret(value: Any) -> bool:
    if isinstance(value, BaseModel):
        value = _values_of(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_holds_secret, value))
    return isinstance(value, (SecretStr, SecretBytes))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _value_at(model: BaseModel, location: tuple[int | str, ...]) -> Any:
    """The value that pydantic's errors speak of, as far as it can be found."""
    value: Any = model
    for part in location:
        value = value.root if isinstance(value, RootModel) else value
        if isinstance(value, BaseModel):
            value = next((item for name, item in _values_of(value).items() if part in _names_of(value, name)), None)
        elif isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, (list, tuple)) and isinstance(part, int):
            value = value[part]
    return value


def _names_of(model: BaseModel, name: str) -> tuple[Any, ...]:
    field = type(model).model_fields.get(name)
    return (name, field.alias, field.validation_alias) if field else (name,)


def _text(path: str, was: Any, become: str) -> str:
    if isinstance(was, float) and not math.isfinite(was):
        return f"{path} {NOT_JSON}"
    if isinstance(was, (SecretStr, SecretBytes)):
        return f"{path} is a {type(was).__name__}, which is written as asterisks: leave it out, or give it a serializer"
    return f"{path}: {become}; {WAY_OUT}"


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
    """Return the value as compact JSON. Raises `InvalidArgument`, which names the part that cannot be written."""
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
