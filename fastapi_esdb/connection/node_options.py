"""The part of the settings that one connection needs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.settings.options import ConnectionOptions

if TYPE_CHECKING:
    from fastapi_esdb.settings.credentials import Credentials
    from fastapi_esdb.settings.model import EsdbSettings

FIRST_TIMEOUT = 1.0
"""Seconds that a node of a cluster has for its first answer, the first time; a few ms are usual."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The way a connection connects: the options of the connection string and the pace of the attempts.

    `connect_timeout` (seconds) bounds one attempt, up to the server's first answer. The first of several attempts are
    given `first_timeout` and then twice as much each time: where there are other nodes to go to, one that is mute shall
    not hold a connection up. The server is greeted with the `credentials`. With `allow_insecure_credentials` they may
    travel in plain text.
    """

    options: ConnectionOptions = field(default_factory=ConnectionOptions)
    backoff: Backoff = field(default_factory=Backoff)
    connect_timeout: float = 5.0
    first_timeout: float = math.inf
    allow_insecure_credentials: bool = False
    credentials: Credentials | None = None

    @classmethod
    def from_settings(cls, settings: EsdbSettings) -> NodeOptions:
        """Return the part of the settings that one connection needs."""
        backoff = Backoff(settings.retry_interval, settings.retry_interval_max, settings.retry_jitter)
        return cls(
            settings.target.options,
            backoff,
            settings.connect_timeout,
            allow_insecure_credentials=settings.allow_insecure_credentials,
            credentials=settings.target.credentials,
        )

    @classmethod
    def in_a_cluster(cls, settings: EsdbSettings) -> NodeOptions:
        """Return the same where discovery says where to go, and when."""
        return replace(cls.from_settings(settings), backoff=Backoff(0.0, 0.0), first_timeout=FIRST_TIMEOUT)

    def timeouts(self) -> Iterator[float]:
        """Yield the seconds that each attempt may take, without end."""
        return Backoff(min(self.first_timeout, self.connect_timeout), self.connect_timeout).delays()
