"""Runs the embedded server by itself: `python -m fastapi_esdb.embedded --port 2113 --data events.db`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from fastapi_esdb.embedded.certificate import ServerCertificate
from fastapi_esdb.embedded.cluster import EmbeddedCluster
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument

LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
FAILED = 2
"""The exit status where the server can't start."""


def main(arguments: Sequence[str] | None = None, program: str = "python -m fastapi_esdb.embedded") -> int:
    """Run until a SIGINT or SIGTERM, or until a client shuts it down; the exit status."""
    options = _parser(program).parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(levelname)s: %(message)s")
    try:
        asyncio.run(_serve(_server(options)))
    except (EsdbError, OSError) as error:
        print(f"{program.removeprefix('python -m ')}: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="An EventStoreDB-compatible server for development and tests. Prints where it is when it is ready.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    add("--port", type=int, default=2113, help="0 takes a free one (default: %(default)s)")
    add("--data", metavar="FILE", help="the SQLite file to keep events in (default: they are kept in memory)")
    add("--secure", action="store_true", help="ask for users: admin and ops, password changeit")
    add("--nodes", type=int, default=1, help="run a cluster of that many, on the port and those behind it")
    add("--tls", action="store_true", help="speak TLS, with a certificate made for this run if none is given")
    add("--tls-cert", metavar="FILE", help="speak TLS with this certificate (PEM)")
    add("--tls-key", metavar="FILE", help="the certificate's private key (PEM)")
    add("--allow-remote", action="store_true", help="let --host be an address that others can reach")
    add("--log-level", choices=LOG_LEVELS, default="warning", help="(default: %(default)s)")
    return parser


def _server(options: argparse.Namespace) -> EmbeddedServer | EmbeddedCluster:
    tls = _certificate(options)
    if options.nodes == 1:
        return EmbeddedServer(
            options.host,
            options.port,
            options.data,
            tls=tls,
            secure=options.secure,
            allow_remote=options.allow_remote,
        )
    if options.data:
        raise InvalidArgument("a cluster keeps its data in memory: use --data or --nodes, not both")
    return EmbeddedCluster(
        options.nodes, options.port, options.host, tls=tls, secure=options.secure, allow_remote=options.allow_remote
    )


def _certificate(options: argparse.Namespace) -> ServerCertificate | None:
    if bool(options.tls_cert) != bool(options.tls_key):
        raise InvalidArgument("TLS with a certificate of yours needs both --tls-cert and --tls-key")
    if options.tls_cert:
        return ServerCertificate.from_files(options.tls_cert, options.tls_key)
    return ServerCertificate.made() if options.tls else None


async def _serve(server: EmbeddedServer | EmbeddedCluster) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with server:
        print(server.connection_string, flush=True)  # noqa: T201
        waits = [asyncio.create_task(stopped.wait()), asyncio.create_task(server.wait_stopped())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)


if __name__ == "__main__":
    sys.exit(main())
