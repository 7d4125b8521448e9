"""The clients that can be compared, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from benchmarks.faults import ours, theirs
from benchmarks.faults.client import Client

CLIENTS: dict[str, Callable[[str], AbstractAsyncContextManager[Client]]] = {
    ours.NAME: ours.ours,
    theirs.NAME: theirs.theirs,
}
"""Opened with a connection string."""

SETTINGS = {ours.NAME: ours.SETTINGS, theirs.NAME: theirs.SETTINGS}
"""What each of them is given beside that."""
