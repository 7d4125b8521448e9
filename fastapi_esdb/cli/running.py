"""Running a command: a connection with the app's settings, and an end that a shell understands."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import Any, ParamSpec

import typer

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.cli import output
from fastapi_esdb.compose import connect, settings_behind
from fastapi_esdb.errors import InvalidArgument, InvalidSettings
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import EsdbError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 128 + signal.SIGINT

Arguments = ParamSpec("Arguments")

PATIENCE = 10.0
"""Seconds that a command waits for a connection."""


PREFIX = "ESDB_"
"""The beginning of the names of variables, unless another one is chosen."""


class Chosen:
    """The options in front of the command."""

    prefix = PREFIX
    patience = PATIENCE


chosen = Chosen()


def settings() -> EsdbSettings:
    """Return the settings that an app started here would have. Raises `InvalidSettings`."""
    return EsdbSettings() if chosen.prefix == PREFIX else settings_behind(chosen.prefix)


@asynccontextmanager
async def connected() -> AsyncIterator[Connection]:
    """A connection that can make calls. Raises `ConnectionClosed`."""
    async with connect(settings()) as esdb:
        await esdb.wait_connected(chosen.patience)
        yield esdb


def command(work: Callable[Arguments, Coroutine[Any, Any, int | None]]) -> Callable[Arguments, None]:
    """Return a function for typer that runs a coroutine function, and ends with the exit status that it returns."""

    @wraps(work)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        raise typer.Exit(_status_of(work(*args, **kwargs)))

    return run


def _status_of(work: Coroutine[Any, Any, int | None]) -> int:
    try:
        return asyncio.run(work) or 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has enough
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InvalidSettings, InvalidArgument) as error:
        output.complain(str(error))
        return WRONG_USE
    except EsdbError as error:
        output.complain(str(error))
        return FAILED
    except OSError as error:
        output.complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return FAILED
