"""The embedded server in a process of its own, and the settings that lead to it."""

from __future__ import annotations

from typing import Any

from fastapi_esdb import EsdbSettings
from tests.support.processes import ServerProcess


def embedded(*arguments: str) -> ServerProcess:
    """`python -m fastapi_esdb.embedded` with these arguments, not started yet."""
    return ServerProcess("fastapi_esdb.embedded", *arguments)


def address(port: int, options: str = "") -> str:
    """The connection string of a server without TLS on this machine."""
    return f"esdb://127.0.0.1:{port}?tls=false{options}"


def settings_for(port: int, options: str = "", **values: Any) -> EsdbSettings:
    """Settings for it; `options` are those of a connection string, `&name=value`."""
    return EsdbSettings(connection_string=address(port, options), **values)
