"""Which host a connection tries next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi_esdb.settings.hosts import Host


MOST_FAILURES = 20
"""Ways to fail that are told; more of them are variations that tell nothing."""


class Failures:
    """Which ways to fail have been told: each is worth one warning until all is well."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def is_new(self, failure: str) -> bool:
        """Return whether this one has not been told yet; from now on it counts as told."""
        if failure in self._told or len(self._told) == MOST_FAILURES:
            return False
        self._told.add(failure)
        return True

    def over(self) -> None:
        """Take note that all is well: what fails from now on is new."""
        self._told.clear()


class Endpoint:
    """A host, and what the connections of a pool share about it.

    Who tries to connect holds `knock` during the attempt and the pause after it, so that the host sees one attempt
    in each interval, however many connections want to go there.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.knock = asyncio.Lock()
        self.failures = Failures()


class Hosts(Protocol):
    """The hosts that the connections of a pool go to. Shared by all of them."""

    async def next_endpoint(self) -> Endpoint:
        """Wait until there is a host worth a try, and return it."""
        ...

    def accepts(self, host: Host) -> bool:
        """Return whether the host, now that it has answered, is still one to use."""
        ...

    def failed(self, host: Host) -> None:
        """Take note that an attempt to connect to the host has failed."""

    def suspect(self, host: Host) -> None:
        """Take note that a connection to the host was lost, or that something else speaks against it."""


class Pinned:
    """One host, whatever happens to it."""

    def __init__(self, host: Host) -> None:
        self._endpoint = Endpoint(host)

    async def next_endpoint(self) -> Endpoint:
        """Return the one host."""
        return self._endpoint

    def accepts(self, host: Host) -> bool:  # noqa: ARG002 - there is one
        """Return True: there is no other."""
        return True

    def failed(self, host: Host) -> None:
        """Do nothing: there is no other."""

    def suspect(self, host: Host) -> None:
        """Do nothing: there is no other."""
