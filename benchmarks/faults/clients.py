"""The clients that can be compared, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from benchmarks.faults import ours, theirs
from benchmarks.faults.client import Client

LOOSE = ", ANY"
"""What is behind the name of a client whose appends expect nothing of their streams."""

CLIENTS: dict[str, Callable[[str], AbstractAsyncContextManager[Client]]] = {
    ours.NAME: ours.ours,
    theirs.NAME: theirs.theirs,
    f"{ours.NAME}{LOOSE}": partial(ours.ours, expects=False),
    f"{theirs.NAME}{LOOSE}": partial(theirs.theirs, expects=False),
}
"""Opened with a connection string."""

SETTINGS = {name: ours.SETTINGS if name.startswith(ours.NAME) else theirs.SETTINGS for name in CLIENTS}
"""What each of them is given beside that."""
