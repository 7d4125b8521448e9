"""A user's JavaScript in its own engine: QuickJS, from the package `quickjs-ng`.

Nothing of Python is reachable from a script, and each call is limited in time and memory, so that a script can harm no
one but itself. The functions that it finds are in `prelude.js`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from fastapi_esdb.wire.errors import InvalidArgument

TIME_LIMIT = 1.0
"""Seconds of processor time that one call may take. A real server allows 0.25; here other threads count too."""

MEMORY_LIMIT = 128 * 1024 * 1024
STACK_LIMIT = 512 * 1024
"""Bytes."""

MISSING_ENGINE = (
    "projections in JavaScript need an engine where the server runs: pip install 'fastapi-esdb[projections]'. "
    "The system projections work without one"
)

_PRELUDE = Path(__file__).with_name("prelude.js").read_text(encoding="utf-8")


class ScriptFailed(Exception):
    """The script does not parse, threw an error, or went beyond its limits."""


def require_engine() -> Any:
    """Return the package of the engine. Raises InvalidArgument if it is not installed; most servers need none."""
    try:
        return importlib.import_module("quickjs")
    except ImportError as error:
        raise InvalidArgument(MISSING_ENGINE) from error


class Script:
    """A script that has been evaluated. Used by one thread, the one that made it.

    Raises:
        ScriptFailed: it does not parse, or fails where it defines the projection.
        InvalidArgument: there is no JavaScript engine.
    """

    def __init__(self, source: str, *, time_limit: float = TIME_LIMIT) -> None:
        quickjs = require_engine()
        self._errors: tuple[type[Exception], ...] = (quickjs.JSException, ValueError)  # for lone surrogates and NULs
        self._context: Any = quickjs.Context()
        self._context.set_memory_limit(MEMORY_LIMIT)
        self._context.set_max_stack_size(STACK_LIMIT)
        self._context.set_time_limit(time_limit)
        self._run: Any = self._context.eval(_PRELUDE)
        self._evaluate(source)

    def call(self, name: str, argument: str | None = None) -> str:
        """Call a function of `prelude.js` and return its result, or an empty text. Raises ScriptFailed."""
        try:
            return self._run(name, argument) or ""
        except self._errors as error:
            raise ScriptFailed(_described(error)) from error

    def _evaluate(self, source: str) -> None:
        try:
            self._context.eval(source)
        except self._errors as error:
            raise ScriptFailed(_described(error)) from error


def _described(error: Exception) -> str:
    """Return the text of the engine, with our words in place of its own for the limits."""
    text = str(error).strip()
    if text.startswith("InternalError: interrupted"):
        return "the script took too long, and was stopped"
    if text in ("", "null") or text.startswith("InternalError: out of memory"):
        return f"the script used more than {MEMORY_LIMIT} bytes of memory"
    return text
