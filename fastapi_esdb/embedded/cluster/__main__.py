"""The process of one node. `EmbeddedCluster` starts it and gives it orders; both sides speak in lines of JSON."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import pickle
import shutil
import signal
import sys
from base64 import b64decode
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from fastapi_esdb.embedded.certificate import ServerCertificate
from fastapi_esdb.embedded.cluster.node import Node
from fastapi_esdb.embedded.cluster.node_process import NodeSpec
from fastapi_esdb.embedded.cluster.quorum import Standing
from fastapi_esdb.embedded.faults import Fault, Faults
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import EsdbError


async def _run(spec: NodeSpec) -> None:
    node = Node(spec.number, spec.nodes, Path(spec.directory), _report_standing, tls=spec.tls)
    server = EmbeddedServer(
        spec.host,
        spec.port,
        tls=_certificate(spec),
        secure=spec.secure,
        allow_remote=spec.allow_remote,
        membership=node,
    )
    async with server:
        [me, *_] = node.members()
        _report(host=me.host, port=me.port)
        orders = asyncio.create_task(_take_orders(Orders(node, server.faults), spec.directory))
        stopped = asyncio.create_task(server.wait_stopped())
        await asyncio.wait([orders, stopped], return_when=asyncio.FIRST_COMPLETED)


def _certificate(spec: NodeSpec) -> ServerCertificate | None:
    directory = Path(spec.directory)
    return ServerCertificate.from_files(directory / "cert.pem", directory / "key.pem") if spec.tls else None


async def _take_orders(orders: Orders, directory: str) -> None:
    """Carry out orders until the node is to stop, or nobody is left to give any."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    for done in itertools.count(1):
        line = await reader.readline()
        if not line:
            shutil.rmtree(directory, ignore_errors=True)  # nobody else is left to do it, and a key may lie there
            return
        if await orders.obey(json.loads(line)):
            return
        _report(done=done)


class Orders:
    """The orders that a node carries out, and the faults among them by their numbers."""

    def __init__(self, node: Node, faults: Faults) -> None:
        self._node = node
        self._faults = faults
        self._set: dict[int, Fault] = {}

    async def obey(self, order: dict[str, Any]) -> bool:
        """Carry out an order. Return whether the node is to stop."""
        match order:
            case {"resign": None}:
                await self._node.resign()
            case {"resign": int(successor)}:
                self._node.resign_to(successor)
            case {"campaign": True}:
                self._node.campaign()
            case {"cut": list(others)}:
                self._node.cut(others)
            case {"fault": int(number), "what": str(pickled)}:
                what = pickle.loads(b64decode(pickled))  # noqa: S301  it comes from the process that started this one
                self._set[number] = self._faults.add(what, partial(_report_fault, number))
            case {"end": int(number)} if number in self._set:
                self._set[number].end()
            case {"stop": True}:
                await self._node.leave()
                return True
        return False


def _report_fault(number: int, happened: int) -> None:
    _report(fault=number, happened=happened)


def _report_standing(standing: Standing) -> None:
    _report(state=standing.state.name, term=standing.term)


def _report(**what: Any) -> None:
    """Report to whoever gives the orders. If nobody does any more, that ends the orders, too."""
    with suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(what).encode() + b"\n")


def main() -> int:
    """Run until ordered to stop. Return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the process that gives the orders
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    try:
        asyncio.run(_run(NodeSpec(**json.loads(sys.argv[1]))))
    except (EsdbError, OSError) as error:
        _report(error=str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
