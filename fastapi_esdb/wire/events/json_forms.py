"""The JSON of events in an app: how pydantic, and so FastAPI, shows them in answers, requests and OpenAPI.

The classes of events import this module when pydantic asks them for a schema, so that pydantic is loaded only if it is
used. For the same reason this module does not import those classes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema, from_json

from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.method import Value
from fastapi_esdb.wire.positions import Position

Data = Annotated[Any, Field(description="The JSON that it is; of what is no JSON, the bytes as base64.")]


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the server stored it."""

    id: UUID
    stream: str
    revision: int
    type: str
    data: Data
    metadata: Annotated[Any, Field(description="As `data`; null where there is none.")]
    content_type: str
    created: datetime
    position: Position | None = None
    link: RecordedEvent | None = None
    retry_count: int | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be appended."""

    type: str
    data: Data
    metadata: Annotated[Any, Field(description="As `data`; null where there is none.")] = None
    id: Annotated[UUID | None, Field(description="A random one if left out.")] = None
    content_type: Annotated[str, Field(description="Says whether `data` is JSON or base64.")] = JSON


def recorded_schema(cls: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return the schema that pydantic uses for a class of recorded events."""

    def read(form: RecordedEvent) -> Any:
        return _recorded(cls, form)

    return schema(cls, RecordedEvent, _form_of_recorded, read, handler)


def proposed_schema(cls: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return the schema that pydantic uses for a class of events to be appended."""

    def read(form: NewEvent) -> Any:
        given: dict[str, Any] = {
            "type": form.type,
            "data": bytes_of(form.data, form.content_type == JSON),
            "metadata": b"" if form.metadata is None else bytes_of(form.metadata, is_json=True),
            "content_type": form.content_type,
        }
        return cls(**given) if form.id is None else cls(**given, id=form.id)

    return schema(cls, NewEvent, _form_of_proposed, read, handler)


def schema(
    cls: type[Value], form: type[Any], write: Callable[[Value], Any], read: Callable[[Any], Value], handler: Any
) -> CoreSchema:
    """Return the schema of a class whose values have another class, `form`, in JSON."""
    formed = handler.generate_schema(form)
    from_form = core_schema.no_info_after_validator_function(read, formed)
    return core_schema.json_or_python_schema(
        json_schema=from_form,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_form]),
        serialization=core_schema.plain_serializer_function_ser_schema(write, return_schema=formed),
    )


def json_or_base64(data: bytes, is_json: bool = True) -> Any:
    """Return the value of JSON, or base64 if it is not JSON."""
    if is_json:
        try:
            return from_json(data, allow_inf_nan=False)
        except ValueError:
            pass
    return base64.b64encode(data).decode()


def bytes_of(value: Any, is_json: bool) -> bytes:
    """Return the bytes behind a value of `json_or_base64`. Raises ValueError if it should be base64 and is not."""
    if is_json:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if not isinstance(value, str):
        raise ValueError("data of a content type other than application/json must be base64")
    return base64.b64decode(value, validate=True)


def _form_of_recorded(event: Any) -> RecordedEvent:
    return RecordedEvent(
        id=event.id,
        stream=event.stream,
        revision=event.revision,
        type=event.type,
        data=json_or_base64(event.data, event.content_type == JSON),
        metadata=json_or_base64(event.metadata) if event.metadata else None,
        content_type=event.content_type,
        created=event.created,
        position=event.position,
        link=_form_of_recorded(event.link) if event.link else None,
        retry_count=event.retry_count,
    )


def _form_of_proposed(event: Any) -> NewEvent:
    return NewEvent(
        type=event.type,
        data=json_or_base64(event.data, event.content_type == JSON),
        metadata=json_or_base64(event.metadata) if event.metadata else None,
        id=event.id,
        content_type=event.content_type,
    )


def _recorded(cls: type[Any], form: RecordedEvent) -> Any:
    return cls(
        id=form.id,
        stream=form.stream,
        revision=form.revision,
        type=form.type,
        data=bytes_of(form.data, form.content_type == JSON),
        metadata=b"" if form.metadata is None else bytes_of(form.metadata, is_json=True),
        content_type=form.content_type,
        created=form.created,
        position=form.position,
        link=_recorded(cls, form.link) if form.link else None,
        retry_count=form.retry_count,
    )
