"""Errors as values that compare: exceptions themselves are equal to nothing but themselves."""

from __future__ import annotations

from typing import Any

from fastapi_esdb.wire.errors import EsdbError


def told(error: object) -> tuple[type, dict[str, Any]]:
    """The class of an error and all that it carries."""
    assert isinstance(error, EsdbError)
    return type(error), vars(error)
