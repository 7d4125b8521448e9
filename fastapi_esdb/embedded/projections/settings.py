"""The settings of a projection, and the projections as the database stores them: as events, like everything else.

The system projections are there without any; they are written down when somebody changes them first, so that a new
server's log holds nothing but its users' events.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi_esdb.embedded.projections.own_streams import (
    CREATED_TYPE,
    DELETED_TYPE,
    REGISTRATION_STREAM,
    UPDATED_TYPE,
    all_events,
    definition_stream,
    delete_stream,
    events_backwards,
    own_event,
)
from fastapi_esdb.embedded.projections.system import SYSTEM_QUERIES
from fastapi_esdb.embedded.projections.tags import NO_REVISION, Version
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.work import Breaks
from fastapi_esdb.wire.codec.json_values import Json
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.projections.values import ProjectionMode
from fastapi_esdb.wire.revisions import ANY

_KEYS = {
    "query": "query",
    "mode": "mode",
    "enabled": "enabled",
    "emit_enabled": "emitEnabled",
    "track_emitted_streams": "trackEmittedStreams",
    "epoch": "epoch",
    "version": "version",
}
"""The fields that are stored, by their names in the JSON of the definition."""

_KINDS = {
    "query": "str",
    "mode": "str",
    "enabled": "bool",
    "emit_enabled": "bool",
    "track_emitted_streams": "bool",
    "epoch": "int",
    "version": "int",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """A projection's settings. `id` is 0 until it is registered; `epoch` is the version that its state began with."""

    name: str
    query: str
    mode: ProjectionMode = ProjectionMode.CONTINUOUS
    enabled: bool = True
    emit_enabled: bool = False
    track_emitted_streams: bool = False
    id: int = 0
    epoch: int = NO_REVISION
    version: int = NO_REVISION

    @property
    def is_system(self) -> bool:
        return self.name in SYSTEM_QUERIES

    @property
    def ends(self) -> bool:
        """True if it ends after the last event that exists."""
        return self.mode is not ProjectionMode.CONTINUOUS

    @property
    def writer(self) -> Version:
        """The version that its events name as their writer."""
        return Version(self.id, self.epoch, self.version)

    def begun_anew(self) -> Settings:
        """Return the settings of the same projection without a past."""
        return replace(self, epoch=self.version + 1)


def write_settings(settings: Settings) -> str:
    handler = f"native:{settings.name}" if settings.is_system else "JS"
    return json.dumps({"handlerType": handler, **{key: getattr(settings, name) for name, key in _KEYS.items()}})


def read_settings(name: str, projection_id: int, text: bytes) -> Settings | None:
    """Return the settings in a definition, or `None` if it is something else."""
    try:
        told: dict[str, Any] = json.loads(text)
        fields = {field: told[key] for field, key in _KEYS.items()}
        kinds = {field: type(value).__name__ for field, value in fields.items()}
        if kinds != _KINDS:
            return None
        return Settings(name, **{**fields, "mode": ProjectionMode(fields["mode"])}, id=projection_id)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def system_settings() -> list[Settings]:
    """Return the system projections of a new server: stopped, as on a server that does not start them."""
    return [Settings(name, query, enabled=False, emit_enabled=True) for name, query in SYSTEM_QUERIES.items()]


class Catalogue:
    """The list of all projections."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._passing = 0

    async def load(self) -> list[Settings]:
        """Return all projections, first those of the system."""
        known = {settings.name: settings for settings in system_settings()}
        breaks = Breaks()
        for name, projection_id in (await self._registered()).items():
            await breaks.take()
            for record in events_backwards(self._database, definition_stream(name), limit=1):
                if settings := read_settings(name, projection_id, record.data):
                    known[name] = settings
                else:
                    event = f"{record.revision}@{record.stream}"
                    log.error("the definition of projection %r (%s) can't be read and is left out", name, event)
        return list(known.values())

    async def save(self, settings: Settings, properties: Mapping[str, Json] | None = None) -> Settings:
        """Store the settings, with an id and the new version, and with properties as the event's metadata.

        A transient projection is not stored.
        """
        if settings.mode is ProjectionMode.TRANSIENT:
            return self._numbered(settings)
        if not settings.id:
            settings = replace(settings, id=await self._register(CREATED_TYPE, settings.name))
        info = self._database.stream_info(definition_stream(settings.name))
        settings = replace(settings, version=NO_REVISION + 1 if info.last is None else info.last + 1)
        metadata = json.dumps(properties).encode() if properties else b""
        event = own_event(UPDATED_TYPE, write_settings(settings), metadata, JSON)
        await self._database.append(definition_stream(settings.name), ANY, [event])
        return settings

    async def remove(self, settings: Settings) -> None:
        """Forget a projection."""
        if settings.mode is not ProjectionMode.TRANSIENT:
            await self._register(DELETED_TYPE, settings.name)
            await delete_stream(self._database, definition_stream(settings.name))

    async def _registered(self) -> dict[str, int]:
        """Return the ids of the projections by their names."""
        ids: dict[str, int] = {}
        async for record in all_events(self._database, REGISTRATION_STREAM):
            name = record.data.decode(errors="replace")
            ids.pop(name, None)
            if record.type == CREATED_TYPE:
                ids[name] = record.revision + 1
        return ids

    async def _register(self, event_type: str, name: str) -> int:
        result = await self._database.append(REGISTRATION_STREAM, ANY, [own_event(event_type, name)])
        return (result.revision or 0) + 1

    def _numbered(self, settings: Settings) -> Settings:
        """Ids below 0 are those of no registered projection."""
        if not settings.id:
            self._passing -= 1
        return replace(settings, id=settings.id or self._passing, version=settings.version + 1)
