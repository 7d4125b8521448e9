"""Connections to a real server, recorded byte by byte, and what the bytes mean."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.connection import Connection
from fastapi_esdb.connection.http2.headers import Origin
from fastapi_esdb.connection.http2.limits import SMALLEST_FRAME_LIMIT, Limits
from fastapi_esdb.connection.http2.messages import framed
from fastapi_esdb.connection.http2.peer import UNLIMITED
from fastapi_esdb.connection.http2.streams import Stream

FILE = Path(__file__).parent / "recorded.json"
PREFACE_SIZE = len(frames.PREFACE)
ENDS = ("closed", "reset")

Cut = Callable[[bytes], Iterable[bytes]]


@dataclass
class Recording:
    """What was sent, what each receive brought, and what that means."""

    name: str
    about: str
    client: list[tuple[int, bytes]]
    server: list[str]
    frames: list[list[int]]
    streams: dict[int, dict[str, Any]]

    @property
    def received(self) -> list[bytes]:
        """What came, up to the end of the connection."""
        return [bytes.fromhex(part) for part in self.server if part not in ENDS]


@cache
def recordings() -> dict[str, Recording]:
    """All of them, by name."""
    found = {}
    for entry in json.loads(FILE.read_text()):
        client = [(after, bytes.fromhex(data)) for after, data in entry["client"]]
        expect = entry["expect"]
        streams = {int(number): stream for number, stream in expect["streams"].items()}
        found[entry["name"]] = Recording(
            entry["name"], entry["about"], client, entry["server"], expect["frames"], streams
        )
    return found


@dataclass
class Replay:
    """A connection of ours that takes the place of the recorded client."""

    connection: Connection
    streams: dict[int, Stream] = field(default_factory=dict)
    messages: dict[int, list[bytes]] = field(default_factory=dict)

    def act(self, sent: bytes) -> None:
        """Do what the recorded client did: begin, end and cancel calls."""
        frames.FrameReader(SMALLEST_FRAME_LIMIT * 8).read(sent.removeprefix(frames.PREFACE), self._repeat, self._repeat)

    def _repeat(self, kind: int, flags: int, number: int, _at: int, _end: int) -> None:
        if kind == frames.HEADERS and number % 2:
            self.streams[number] = self._begin_anyway()
            assert self.streams[number].number == number
        stream = self.streams.get(number)
        if stream and kind in (frames.DATA, frames.HEADERS) and flags & frames.END_STREAM:
            self.connection.end(stream)
        if stream and kind == frames.RST_STREAM:
            self.connection.cancel(stream)

    def _begin_anyway(self) -> Stream:
        """The recorded client began too many calls, and some after a GOAWAY, to see what it says."""
        peer = self.connection.peer
        goodbye, peer.goodbye, self.connection.most_streams = peer.goodbye, None, UNLIMITED
        self.connection.takes_calls = True
        stream = self.connection.begin("/a.Service/Call")
        peer.goodbye, self.connection.takes_calls = goodbye, goodbye is None
        return stream

    def receive(self, data: bytes) -> None:
        """Take what the server sent, and the messages in it."""
        for stream in self.connection.receive(data):
            self.messages.setdefault(stream.number, []).extend(self.connection.take(stream))

    def meaning(self, number: int) -> tuple[int, int, str]:
        """How many messages a stream had, and the size and the hash of its data."""
        data = b"".join(map(framed, self.messages.get(number, [])))
        return len(self.messages.get(number, [])), len(data), hashlib.sha256(data).hexdigest()


def replay(recording: Recording, cut: Cut) -> Replay:
    """Play a recording, with each receive cut into pieces."""
    tables = "no tables" not in recording.name
    limits = Limits(header_table=4096 if tables else 0)
    played = Replay(Connection(Origin("http", "127.0.0.1:2113"), limits))
    said = list(recording.client)
    for count, data in enumerate(recording.received):
        while said and said[0][0] <= count:
            played.act(said.pop(0)[1])
        for piece in cut(data):
            played.receive(piece)
    return played
