"""What a request pays: for the dependency, and for a health answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request

from benchmarks.costs.app import app
from benchmarks.costs.cost import Cost
from benchmarks.costs.http import HttpClient
from benchmarks.costs.serving import served
from fastapi_esdb import get_connection

DEPENDENCY_LIMIT = 10.0
HEALTH_LIMIT = 1.0

Call = Callable[[], Awaitable[object]]
Message = MutableMapping[str, Any]


def scope(path: str) -> dict[str, Any]:
    """A GET as uvicorn describes it to the app, which has started."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }


async def asked(path: str) -> None:
    """One request through the app, in this process. Raises RuntimeError for anything but 200."""
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope(path), receive, send)
    if statuses != [200]:
        raise RuntimeError(f"{path} answered {statuses}")


async def request_costs(rounds: int, calls: int, target: str) -> list[Cost]:
    """In this process, whose app has started, and over HTTP."""
    request = Request({**scope("/"), "app": app})
    alone = [await _cpu(lambda: get_connection(request), calls) for _ in range(rounds)]
    paths = ("/nothing", "/connection", "/health/esdb")
    found: dict[str, list[float]] = {path: [] for path in paths}
    for _ in range(rounds):
        for path in paths:
            found[path].append(await _cpu(lambda path=path: asked(path), calls))  # type: ignore[misc]
    more = [with_it - without for with_it, without in zip(found["/connection"], found["/nothing"], strict=True)]
    health = [1e-3 * cpu for cpu in found["/health/esdb"]]
    return [
        Cost.of("`get_connection`, called", "µs", alone, DEPENDENCY_LIMIT),
        Cost.of("`Depends(get_connection)`, what FastAPI does for it included", "µs", more),
        Cost.of("health answer, through the ASGI app", "ms", health, HEALTH_LIMIT),
        Cost.of("health answer, over HTTP, wall time", "ms", await _over_http(rounds, calls, target)),
    ]


async def _cpu(call: Call, calls: int) -> float:
    """Microseconds of CPU for one call."""
    began = time.process_time()
    for _ in range(calls):
        await call()
    return 1e6 * (time.process_time() - began) / calls


async def _over_http(rounds: int, calls: int, target: str) -> list[float]:
    """Milliseconds that a client waits."""
    async with served(target) as server, HttpClient(server.port) as client:
        return [await _wall(client, calls) for _ in range(rounds)]


async def _wall(client: HttpClient, calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        await client.get("/health/esdb")
    return 1e3 * (time.perf_counter() - began) / calls
