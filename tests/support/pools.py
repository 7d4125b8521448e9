"""Pools for the tests."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from fastapi_esdb.connection.caller import CallOptions, Stream
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.model import EsdbSettings
from tests.support.waiting import PATIENCE

Answer = TypeVar("Answer")

PATIENT = CallOptions(timeout=PATIENCE)


def settings_for(*ports: int, user: str = "", options: str = "", **values: Any) -> EsdbSettings:
    """Settings for plain-text servers on loopback; attempts are quick unless told otherwise."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    string = f"esdb://{user}{hosts}?tls=false{options}"
    return EsdbSettings(_env_file=None, **{"connection_string": string, "retry_interval": 0.05, **values})


def pool_on(*ports: int, **values: Any) -> AbstractAsyncContextManager[ConnectionPool]:
    """A pool, open inside the context."""
    return ConnectionPool(settings_for(*ports, **values))


def our_tasks() -> list[str]:
    """The tasks of pools that run; a server in the same process has some of its own, and so has the status page."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if name.startswith("esdb-") and name != "esdb-status"]


async def all_of(stream: Stream[Any, Answer]) -> list[Answer]:
    """The answers of a stream that are still to come."""
    found: list[Answer] = []
    while answers := await stream.read():
        found += answers
    return found
