"""Pydantic models as JSON that the same model reads back.

Pydantic writes what it can and says nothing of what is lost: NaN becomes null, a secret asterisks, a subclass what its
base class has, and a name that is read by an alias is written without it. So what is written is read, once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, RootModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_jsonable_python

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
