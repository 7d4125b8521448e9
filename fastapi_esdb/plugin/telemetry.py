"""FastAPI's own telemetry, which ours joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.applications import Starlette

from fastapi_esdb.telemetry.config import Telemetry


def joined(telemetry: Telemetry, app: Starlette) -> Telemetry:
    """Return the same with the providers that the app's FastAPI was given, unless the database has its own.

    FastAPI, from 0.165 on, keeps them in an attribute that is not public; where there is none the global ones count.
    """
    given = getattr(app, "_telemetry", None)
    if not isinstance(given, Mapping):
        return telemetry
    return replace(
        telemetry,
        tracer_provider=telemetry.tracer_provider or given.get("tracer_provider"),
        meter_provider=telemetry.meter_provider or given.get("meter_provider"),
    )
