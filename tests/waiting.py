"""Waiting for what other tasks bring about, seen from outside of their event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 30.0
"""Seconds; far more than anything here takes, since the machine may be busy."""


def eventually(look: Callable[[], Found]) -> Found:
    """What `look` gives as soon as that is something; fails after a while."""
    ends = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < ends, f"nothing came in {PATIENCE} s"
        time.sleep(0.02)
    return found
