"""Which host is tried next. Discovery of a cluster's members belongs here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic

from fastapi_esdb.settings.hosts import Host

WARNING_INTERVAL = 10.0
"""Seconds between two warnings about the same host."""


class Endpoint:
    """A host, and what the connections of a pool share about it.

    Who tries to connect holds `knock` during the attempt and the pause after it, so that the host sees one attempt
    in each interval, however many connections want to go there.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.knock = asyncio.Lock()
        self._warned = -WARNING_INTERVAL

    def may_warn(self) -> bool:
        """Whether a warning is due; if so, the next is due later."""
        now = monotonic()
        if now - self._warned < WARNING_INTERVAL:
            return False
        self._warned = now
        return True


class Endpoints:
    """The hosts of a connection string, for all connections of a pool."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._endpoints = [Endpoint(host) for host in hosts]

    def __len__(self) -> int:
        return len(self._endpoints)

    def round(self, start: int) -> Round:
        """A walk over the hosts, without end, that begins at number `start`."""
        return Round(self._endpoints, start)


class Round:
    """One connection's walk over the hosts: each attempt goes to the next one."""

    def __init__(self, endpoints: Sequence[Endpoint], start: int) -> None:
        self._endpoints = endpoints
        self._next = start

    def next_endpoint(self) -> Endpoint:
        """Where to try now."""
        endpoint = self._endpoints[self._next % len(self._endpoints)]
        self._next += 1
        return endpoint
