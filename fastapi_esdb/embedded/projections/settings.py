"""The settings of a projection: those of its user, and those that the server adds."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from fastapi_esdb.embedded.projections.system import SYSTEM_QUERIES
from fastapi_esdb.embedded.projections.tags import NO_REVISION, Version
from fastapi_esdb.wire.projections.values import ProjectionMode

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
