"""The clients that can be compared, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from benchmarks.faults import ours, theirs
from benchmarks.faults.client import Client
from fastapi_esdb.settings.choices import TransportKind

LOOSE = ", ANY"
"""What is behind the name of a client whose appends expect nothing of their streams."""

HTTP2 = ", http2"
"""What is behind the name of ours where it goes over its own HTTP/2 instead of grpcio."""

CLIENTS: dict[str, Callable[[str], AbstractAsyncContextManager[Client]]] = {
    ours.NAME: ours.ours,
    f"{ours.NAME}{HTTP2}": partial(ours.ours, transport=TransportKind.HTTP2),
    theirs.NAME: theirs.theirs,
    f"{ours.NAME}{LOOSE}": partial(ours.ours, expects=False),
    f"{theirs.NAME}{LOOSE}": partial(theirs.theirs, expects=False),
}
"""Opened with a connection string."""

SETTINGS = {name: ours.SETTINGS if name.startswith(ours.NAME) else theirs.SETTINGS for name in CLIENTS} | {
    f"{ours.NAME}{HTTP2}": f"{ours.SETTINGS} ESDB_TRANSPORT=http2"
}
"""What each of them is given beside that."""
