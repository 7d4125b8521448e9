"""Opens everything that there is, and ends without closing any of it: `python -m … CONNECTION_STRING close|leave`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any

from fastapi_esdb import START, GroupExists, NewEvent, connect
from tests.support.waiting import PATIENCE

MANY = 600


async def everything(target: str) -> list[Any]:
    """A connection, and on it a read, a subscription that waits and a consumer that does."""
    context = connect(target)
    esdb = await context.__aenter__()
    await esdb.wait_connected(PATIENCE)
    await esdb.append("s", [NewEvent("Happened", {}) for _ in range(MANY)])
    with suppress(GroupExists):
        await esdb.persistent_subscriptions.create("s", "closed", start=START)
    read, subscription = esdb.read("s"), esdb.subscribe("empty")
    consumer = esdb.persistent_subscriptions.consume("s", "closed")
    await anext(read)
    await anext(consumer)
    await subscription.__aenter__()
    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0.1)
    return [context, esdb, read, subscription, consumer, waiting]


def main(target: str, how: str) -> None:
    loop = asyncio.new_event_loop()
    kept.extend(loop.run_until_complete(everything(target)))
    if how == "close":
        loop.close()


kept: list[Any] = []
"""Referred to until the interpreter is gone."""

if __name__ == "__main__":
    main(*sys.argv[1:])
