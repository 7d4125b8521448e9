"""Traces and metrics of OpenTelemetry, and what events tell of how they came about.

esdb = Esdb(telemetry=Telemetry(metrics=False))
"""

from fastapi_esdb.telemetry.config import Telemetry
from fastapi_esdb.telemetry.notes import EventMetadata

__all__ = ["EventMetadata", "Telemetry"]
