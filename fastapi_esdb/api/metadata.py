"""Getting and setting what applies to a stream, and to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.api import arguments
from fastapi_esdb.api.appending import Append, make
from fastapi_esdb.api.calls import Calls, call_options
from fastapi_esdb.api.names import metadata_stream
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.reading import events_of
from fastapi_esdb.api.stream_acl import StreamAcl
from fastapi_esdb.api.stream_metadata import StreamMetadata
from fastapi_esdb.wire.errors import StreamNotFound
from fastapi_esdb.wire.events.values import ANY, BACKWARDS, END, Expected
from fastapi_esdb.wire.streams.values import AppendResult, ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.settings.credentials import Credentials

SETTINGS_STREAM = "$settings"
"""Where servers look for the default access lists; they take its last event."""


class Metadata(Calls):
    """Stream metadata and the default access lists."""

    async def get_metadata(
        self,
        stream: str,
        *,
        timeout: float | None = None,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
    ) -> StreamMetadata:
        """The metadata of a stream, empty where none was set; the stream need not exist.

        Raises `StreamDeleted` for a tombstoned stream.
        """
        request = ReadRequest(metadata_stream(stream), END, BACKWARDS, limit=1)
        options = call_options(timeout, credentials, requires_leader)
        try:
            found = [event async for event in events_of(self._carrier, request, options)]
        except StreamNotFound:
            return StreamMetadata()
        return StreamMetadata.from_json(found[0].data, found[0].revision) if found else StreamMetadata()

    async def set_metadata(
        self,
        stream: str,
        metadata: StreamMetadata,
        expected: Expected = ANY,
        *,
        timeout: float | None = None,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
    ) -> AppendResult:
        """Replace the metadata of a stream, which need not exist yet.

        `expected` is about the metadata: `metadata.revision` as `get_metadata` gave it, or `NO_STREAM` where it was
        `None`, to change nothing that someone else has set meanwhile. Raises as `append` does.
        """
        event = NewEvent("$metadata", arguments.instance(metadata, StreamMetadata, "metadata").to_json())
        append = Append(metadata_stream(stream), arguments.expected_revision(expected), (event,))
        options = call_options(timeout, credentials, requires_leader)
        return await make(self._carrier, append, options, retry_unknown=None)

    async def set_default_acl(
        self,
        *,
        user_streams: StreamAcl | None = None,
        system_streams: StreamAcl | None = None,
        expected: Expected = ANY,
        timeout: float | None = None,
        credentials: Credentials | None = None,
        requires_leader: bool | None = None,
    ) -> AppendResult:
        """Replace the access lists of all streams that have none of their own; system streams begin with `$`.

        What is `None`, a list or a right in one, is what the server comes with: everybody may do everything with
        user streams, and only `$admins` with system streams. `expected` is about the stream `$settings`.
        Raises as `append` does.
        """
        given = {
            "$userStreamAcl": _rights(user_streams, "user_streams"),
            "$systemStreamAcl": _rights(system_streams, "system_streams"),
        }
        event = NewEvent("$settings", {key: rights for key, rights in given.items() if rights is not None})
        append = Append(SETTINGS_STREAM, arguments.expected_revision(expected), (event,))
        options = call_options(timeout, credentials, requires_leader)
        return await make(self._carrier, append, options, retry_unknown=None)


def _rights(acl: StreamAcl | None, name: str) -> dict[str, list[str]] | None:
    return None if acl is None else arguments.instance(acl, StreamAcl, name).to_json()
