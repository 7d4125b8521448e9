"""The reports of a scavenge: all of them in `$scavenges-<id>`, start and end also in `$scavenges` (protocol 8)."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

from fastapi_esdb.embedded.access.caller import OPERATORS
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import METADATA_TYPE, metastream_of
from fastapi_esdb.wire.admin.operations import StartScavenge
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, ProposedEvent

OVERVIEW = "$scavenges"
STARTED = "$scavengeStarted"
CHUNK_COMPLETED = "$scavengeChunksCompleted"
COMPLETED = "$scavengeCompleted"


class Report:
    """Writes the events of one scavenge, which operators may read. `node` is the address of the server.

    `freed` is about the bytes that its chunks have given back so far.
    """

    def __init__(self, database: Database, node: str) -> None:
        self.scavenge_id = str(uuid4())
        self._database = database
        self._node = node
        self._stream = f"{OVERVIEW}-{self.scavenge_id}"
        self._began = time.monotonic()
        self.freed = 0

    async def started(self, request: StartScavenge) -> None:
        acl = json.dumps({"$acl": {"$r": OPERATORS, "$mr": OPERATORS}}).encode()
        started = self._event(STARTED, threads=request.thread_count, startFromChunk=request.start_from_chunk)
        await self._database.append_many(
            [
                (metastream_of(self._stream), ProposedEvent(uuid4(), METADATA_TYPE, acl)),
                (self._stream, started),
                (OVERVIEW, self._link(0)),
            ]
        )

    async def chunk_completed(self, chunk: int, freed: int, seconds: float) -> None:
        """A chunk is done, and `freed` bytes of it are free."""
        self.freed += freed
        numbers = {"chunkStartNumber": chunk, "chunkEndNumber": chunk}
        done = {"wasScavenged": freed > 0, "spaceSaved": freed, "timeTaken": _time_span(seconds)}
        event = self._event(CHUNK_COMPLETED, errorMessage="", **numbers, **done)
        await self._database.append_many([(self._stream, event)])

    async def completed(self, result: str, error: str = "") -> None:
        """The scavenge is over: "Success", "Stopped", or "Failed" with an error."""
        taken = _time_span(time.monotonic() - self._began)
        event = self._event(COMPLETED, result=result, error=error, timeTaken=taken, spaceSaved=self.freed)
        last = self._database.stream_info(self._stream).last
        await self._database.append_many([(self._stream, event), (OVERVIEW, self._link((last or 0) + 1))])

    def _event(self, event_type: str, **content: Any) -> ProposedEvent:
        content = {"scavengeId": self.scavenge_id, "nodeEndpoint": self._node, **content}
        return ProposedEvent(uuid4(), event_type, json.dumps(content).encode())

    def _link(self, revision: int) -> ProposedEvent:
        return ProposedEvent(uuid4(), LINK_TYPE, f"{revision}@{self._stream}".encode(), content_type=OCTET_STREAM)


def _time_span(seconds: float) -> str:
    return str(timedelta(seconds=seconds))
