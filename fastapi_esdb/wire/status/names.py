"""The names in errors, as whoever called gave them.

A trailer holds nothing but printable ASCII. Servers percent-encode the rest of a name, which cannot be told from a
name that has such characters of its own; but the client has the name in its request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi_esdb.wire.errors import EsdbError

Error = TypeVar("Error", bound=EsdbError)


def as_asked(error: Error, request: Any) -> Error:
    """The error with the names of its request: of the stream, group, user or index that it is about."""
    for attribute, name in _names_in(request).items():
        if name and hasattr(error, attribute):
            setattr(error, attribute, name)
    return error


def _names_in(request: Any) -> Mapping[str, str | None]:
    chosen = getattr(request, "filter", None)
    return {
        "stream": getattr(request, "stream", None) or getattr(request, "source", None),
        "group": getattr(request, "group", None),
        "login": getattr(request, "login_name", None),
        "index": chosen.prefixes[0] if chosen and chosen.prefixes else None,
    }
