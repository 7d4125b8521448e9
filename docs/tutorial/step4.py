import asyncio
import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from step2 import STATUS
from step3 import app

from fastapi_esdb import Connection, ConnectionClosed, EsdbError, connection_of, filters

PAUSE = 1.0

log = logging.getLogger("orders")
orders: dict[str, str] = {}


async def follow(esdb: Connection) -> None:
    while True:
        try:
            await esdb.wait_connected(timeout=math.inf)
            async with esdb.subscribe_all(filter=filters.by_stream("order-")) as events:
                async for event in events:
                    if event.type in STATUS:
                        orders[event.stream] = STATUS[event.type]
        except ConnectionClosed:
            await asyncio.sleep(PAUSE)
        except EsdbError:
            log.exception("the list of orders stands still")
            await asyncio.sleep(PAUSE)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(connection_of(app)))
    yield
    task.cancel()


router = APIRouter(lifespan=lifespan)


@router.get("/orders")
async def overview() -> dict[str, str]:
    return orders


app.include_router(router)
