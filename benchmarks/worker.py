"""A contender in a process of its own, so that the CPU time and the threads of the process are its own.

It reads a JSON object a line, `case` and `stream`, and answers each with a measurement, or with `null` where the server
does not have the call. Nothing of another contender is even imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from typing import Any

import grpc

from benchmarks.cases import Case, Endpoint, Kind, Server
from benchmarks.contenders import opened
from benchmarks.contenders.client import Client
from benchmarks.measuring import measure


def encoded(case: Case, stream: str) -> bytes:
    """What the worker reads."""
    return json.dumps({"case": asdict(case), "stream": stream}).encode() + b"\n"


def decoded(line: str) -> tuple[Case, str]:
    found = json.loads(line)
    case = found["case"]
    kinds = {"kind": Kind(case["kind"]), "server": Server(case["server"]), "endpoint": Endpoint(case["endpoint"])}
    return Case(**{**case, **kinds}), found["stream"]


async def answer(client: Client, line: str) -> dict[str, Any] | None:
    try:
        return asdict(await measure(client, *decoded(line)))
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return None
        raise


async def main(name: str, target: str) -> None:
    async with opened(name, target) as client:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await answer(client, line)), flush=True)


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes event loops of that kind: `asyncio` or `uvloop`."""
    made: Callable[[], asyncio.AbstractEventLoop] = import_module(name).new_event_loop
    return made


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory(sys.argv[3])) as runner:
        runner.run(main(*sys.argv[1:3]))
