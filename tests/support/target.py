"""The server that tests of the API run against: an embedded one each, or one of yours (`make test TARGET=esdb://…`).

With a target, those tests run that need no server of their own, each with names of its own (see `own_names`). What the
server lacks is skipped by name.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest

from fastapi_esdb.errors import NotSupported

TARGET = os.environ.get("ESDB_TEST_TARGET", "")
"""The connection string of a server that may be shared and used; empty for embedded ones."""

own_server = pytest.mark.own_server
"""Marks a test that cannot share a server: it counts all events, or changes what is everybody's."""

FOR_TARGETS = {"target", "admin"}
"""Fixtures that lead to a target, if there is one."""


def needs_own_server(item: pytest.Item) -> bool:
    """Return whether a test is for a server of its own, or for none."""
    fixtures = set(getattr(item, "fixturenames", ()))
    patches = "monkeypatch" in inspect.signature(getattr(item, "function", needs_own_server)).parameters
    return bool(
        "esdb_server" in fixtures
        or patches
        or not fixtures & FOR_TARGETS
        or item.get_closest_marker("own_server")
        or not {"api", "conformance"} & set(Path(item.path).parts)
    )


def what_is_lacking(error: BaseException) -> str:
    """Return what the server lacks if that is why a test has failed, else an empty text."""
    return str(error) if isinstance(error, NotSupported) else ""
