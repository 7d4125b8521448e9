"""What one connection needs to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.settings.connection_options import ConnectionOptions

if TYPE_CHECKING:
    from fastapi_esdb.settings.model import EsdbSettings


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """How a connection connects: the options of the connection string and the pace of the attempts.

    `connect_timeout` (seconds) bounds one attempt, up to the server's first answer.
    """

    options: ConnectionOptions = field(default_factory=ConnectionOptions)
    backoff: Backoff = field(default_factory=Backoff)
    connect_timeout: float = 5.0

    @classmethod
    def from_settings(cls, settings: EsdbSettings) -> NodeOptions:
        """The part of the settings that one connection needs."""
        backoff = Backoff(settings.retry_interval, settings.retry_interval_max, settings.retry_jitter)
        return cls(settings.target.options, backoff, settings.connect_timeout)
