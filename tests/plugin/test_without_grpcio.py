"""An app over `http2` never loads grpcio."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer

APP = """
import asyncio, json, sys

from fastapi import FastAPI

from fastapi_esdb import EsdbConnection, NewEvent, StreamNotFound, add_error_handlers, connection_of, esdb_router

app = FastAPI()
app.include_router(esdb_router)
add_error_handlers(app)


async def main():
    async with app.router.lifespan_context(app):
        esdb = connection_of(app)
        await esdb.wait_connected(30)
        await esdb.append("orders", [NewEvent("Placed", {}), NewEvent("Paid", {})])
        assert len(await esdb.read("orders").to_list()) == 2
        async with esdb.subscribe("orders") as subscription:
            await anext(subscription)
        try:
            await esdb.read("missing").to_list()
        except StreamNotFound:
            print(json.dumps([name for name in sys.modules if name.partition(".")[0].startswith("grpc")]))


asyncio.run(main())
"""
"""It appends, reads, subscribes, and learns of an error; then it prints what it has loaded of grpcio."""


@pytest.mark.parametrize(("transport", "loads"), [("http2", False), ("grpcio", True)])
async def test_an_app_loads_grpcio_only_where_it_speaks_through_it(
    esdb_server: EmbeddedServer, transport: str, loads: bool
) -> None:
    """An app without an embedded server of its own, which uses all kinds of calls."""
    environment = {
        **os.environ,
        "ESDB_CONNECTION_STRING": esdb_server.connection_string,
        "ESDB_TRANSPORT": transport,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", APP, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    assert bool(json.loads(printed)) is loads
