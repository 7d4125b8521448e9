"""The load that each client carries while faults happen."""

from __future__ import annotations

WRITERS = 4
"""Tasks that append, each to a stream of its own, at the revision that it knows."""

PAUSE = 0.05
"""Seconds between two appends of a writer."""

WAIT = 10.0
"""Seconds that an append may take; for fastapi_esdb also `ESDB_WAIT`."""

CUT = 30.0
"""Seconds after which an append is given up from outside, if the client does not end it by itself."""

GROUP = "consumers"

STREAM, ALL, CONSUMER = "stream", "$all", "consumer"
"""Those who follow: the stream of the first writer, all streams of the client, a consumer of the second writer's."""


def prefix(client: str) -> str:
    """How the names of all streams of a client begin."""
    return f"{client}-"


def streams(client: str) -> list[str]:
    """The streams that a client writes, by writer."""
    return [f"{prefix(client)}{number}" for number in range(WRITERS)]


def followed(client: str) -> str:
    """The stream that a catch-up subscription follows."""
    return streams(client)[0]


def consumed(client: str) -> str:
    """The stream that the group of consumers gets."""
    return streams(client)[1]
