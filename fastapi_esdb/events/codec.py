"""How the events of one class become bytes, and how the bytes become events again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import PydanticSerializationError
from pydantic_core.core_schema import DecimalSchema

from fastapi_esdb.api.json_data import json_data
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON

Use = Literal["written", "read"]


class Codec(Protocol):
    """Writes and reads the events of one class. `EventTypes(codec=…)` takes what makes one for a class."""

    content_type: str
    """What `encode` writes. Old events are upcast only where this is `application/json`."""

    def encode(self, value: Any, /) -> bytes:
        """Return the event as bytes. Raises `InvalidArgument` for one that could not be read back."""
        ...

    def decode(self, data: bytes, /) -> Any:
        """Return the event that the bytes hold. Whatever it raises is told as `EventDoesNotFit`."""
        ...

    def json_schema(self, use: Use, /) -> dict[str, Any] | None:
        """Return the JSON schema of what is written, or of all that can be read; `None` where it is no JSON."""
        ...


MakeCodec = Callable[[type], Codec]


class StoredSchema(GenerateJsonSchema):
    """Pydantic's schemas, in which a decimal can be told from any other text: it has the format `decimal`."""

    def decimal_schema(self, schema: DecimalSchema) -> JsonSchemaValue:
        """Return the schema of a decimal."""
        made = super().decimal_schema(schema)
        for part in made.get("anyOf", [made]):
            if part.get("type") == "string":
                part["format"] = "decimal"
        return made


class JsonCodec:
    """JSON by pydantic, for pydantic models, dataclasses and TypedDicts.

    What reads a class is made once, when it is needed for the first time, and kept.
    """

    content_type = JSON

    def __init__(self, cls: type) -> None:
        self._cls = cls

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The adapter of the class, which is made once. Raises `InvalidArgument` for one that pydantic can't read."""
        try:
            made: TypeAdapter[Any] = TypeAdapter(self._cls)
            made.rebuild()  # raises the error of a name that is not known, where `made` would wait for it
            return made
        except (PydanticUserError, NameError) as error:
            reason = str(error).partition("\n")[0].partition(". ")[0]
        raise InvalidArgument(
            f"{self._cls.__name__} can't be read by pydantic ({reason}): "
            "an event type is a pydantic model, a dataclass or a TypedDict, or has a codec"
        )

    @cached_property
    def decode(self) -> Callable[[bytes], Any]:
        """Return the event in the bytes. Raises pydantic's `ValidationError`."""
        return self.adapter.validator.validate_json

    def encode(self, value: Any) -> bytes:
        """Return the event as JSON. Raises `InvalidArgument` with the field where it would not be read back."""
        if isinstance(value, BaseModel):
            return json_data(value, type(value).__name__)
        try:
            data = self.adapter.dump_json(value, by_alias=True, warnings=False)
            read = self.decode(data)
        except (PydanticSerializationError, UnicodeError):
            failure = "holds what pydantic has no JSON for"
        except ValidationError as error:
            places = [f"{'.'.join(location)}: {kind}" for location, kind in faults(error)]
            failure = f"would not be read back: {'; '.join(places)}"
        else:
            if read == value or (not _can_be_compared(value) and self._is_same(read, data)):
                return data
            failure = f"would be read back as another value: {', '.join(_differing(value, read))}"
        raise InvalidArgument(f"{self._cls.__name__} {failure}")

    def _is_same(self, read: Any, data: bytes) -> bool:
        """Compare objects that can't be compared themselves."""
        return self.adapter.dump_json(read, by_alias=True, warnings=False) == data

    def json_schema(self, use: Use) -> dict[str, Any]:
        """Return the schema of what is written, or of all that can be read, which may be more."""
        mode: JsonSchemaMode = "serialization" if use == "written" else "validation"
        return self.adapter.json_schema(by_alias=True, mode=mode, schema_generator=StoredSchema)


def _can_be_compared(value: object) -> bool:
    own: object = type(value).__eq__
    return own is not object.__eq__


def faults(error: ValidationError) -> list[tuple[list[str], str]]:
    """Return where a value does not fit, part by part, and what pydantic calls it, without the value."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [(list(map(str, fault["loc"])), str(fault["type"])) for fault in found]


def _differing(was: Any, read: Any) -> list[str]:
    """Return the names of the fields that have changed, as far as they can be told."""
    if not (isinstance(was, Mapping) or is_dataclass(was)):
        return ["all of it"]
    before, after = _fields(was), _fields(read)
    return [name for name in before if name not in after or before[name] != after[name]] or ["all of it"]


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
