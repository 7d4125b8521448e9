"""The names of streams that servers keep beside those of the user."""

from __future__ import annotations

from fastapi_esdb.api import arguments


def metadata_stream(stream: str) -> str:
    """Return the name of the stream that holds the metadata of a stream. That of `"$all"` holds who may read it."""
    return f"$${arguments.text(stream, 'stream')}"


def parked_stream(stream: str, group: str) -> str:
    """Return the name of the stream that holds links to the parked events of a consumer group."""
    return f"$persistentsubscription-{arguments.text(stream, 'stream')}::{arguments.text(group, 'group')}-parked"
