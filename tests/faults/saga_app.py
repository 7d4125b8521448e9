"""The app of the page about sagas, with a consumer of each kind beside it, in a process of its own to be killed.

It prints `started`, then answers each line of its standard input: `close` with `closed`, when it is connected again,
and `view` with its read model.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from fastapi import FastAPI

from fastapi_esdb import Esdb, NewEvent, RecordedEvent
from fastapi_esdb.consumers import Park, To, category, group, to
from fastapi_esdb.testing import running
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "how-to" / "sagas.md"
GROUP, SHIPPED, VIEW = "shippers", "OrderConfirmed", "view"
PAY_WITHIN = timedelta(seconds=1.5)


def saga() -> ModuleType:
    """Return what the page's code defines."""
    module = ModuleType("saga")
    sys.modules[module.__name__] = module  # dataclasses look their types up there
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    exec(compile("\n".join(blocks), PAGE.name, "exec"), module.__dict__)
    module.__dict__["PAY_WITHIN"] = PAY_WITHIN
    return module


def esdb_of(module: ModuleType) -> Esdb:
    """Return the page's `Esdb`."""
    found = module.__dict__["esdb"]
    assert isinstance(found, Esdb)
    return found


def number_of(stream: str) -> int:
    """The number of the order, payment, … with this stream."""
    return int(stream.rpartition("-")[2])


def is_bad(stream: str) -> bool:
    """Whether the consumers refuse to handle this order's confirmation."""
    return number_of(stream) % 7 == 3


def refuse_bad(event: RecordedEvent) -> None:
    """Raise for a bad order."""
    if is_bad(event.stream):
        raise ValueError(f"{event.stream} is bad")


def add_consumers(module: ModuleType, log: Path) -> dict[str, list[str]]:
    """Add one of each kind to the saga's app; the read model."""
    esdb = esdb_of(module)
    view: dict[str, list[str]] = {}
    lines = log.open("a", buffering=1)

    @esdb.consumer(VIEW, category("order"), run="each")
    async def keep(event: RecordedEvent) -> None:
        view.setdefault(event.stream, []).append(event.type)

    @esdb.consumer("mailer", category("order"), on_error={ValueError: Park})
    async def send_mail(event: RecordedEvent) -> To | None:
        if event.type != SHIPPED:
            return None
        refuse_bad(event)
        return to("mails", NewEvent("MailSent", {"order": event.stream}))

    @esdb.consumer("shipping", group("$all", GROUP), on_error={ValueError: Park}, concurrency=4)
    async def ship(event: RecordedEvent) -> None:
        if event.type == SHIPPED:
            refuse_bad(event)
            lines.write(f"{event.stream}\n")

    return view


async def commands() -> asyncio.StreamReader:
    """Return standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def serve(log: Path) -> None:
    """Run the app until it is killed."""
    module = saga()
    app: FastAPI = module.__dict__["app"]
    view = add_consumers(module, log)
    reader = await commands()
    async with running(app):
        connection = esdb_of(module).connection_of(app)
        print("started", flush=True)  # noqa: T201
        while line := (await reader.readline()).decode().strip():
            if line == "close":
                await connection.close()
                await connection.connect()
                print("closed", flush=True)  # noqa: T201
            else:
                print(json.dumps(view), flush=True)  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a saga and three consumers, until killed")
    parser.add_argument("--log", type=Path, required=True)
    asyncio.run(serve(parser.parse_args().log))
