"""Apps behind a real socket, for answers that are read while they come."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing, suppress
from threading import Thread
from typing import Self

from starlette.applications import Starlette

from fastapi_esdb.plugin.started import stop_following_in

STOPPED_WITHIN = 30.0
"""Seconds that an app gets to end."""

ENDED_WITHIN = 3
"""Seconds that requests get to end when the server stops."""


class LiveServer:
    """An app that uvicorn serves in a thread, on a free port of this machine: `with LiveServer(app) as server: ...`.

    Requests may be sent at once: they wait until the app has started. Needs `pip install 'fastapi-esdb[server]'`.
    """

    def __init__(self, app: Starlette) -> None:
        import uvicorn  # noqa: PLC0415 - only for those who have it

        self._app = app
        # uvloop is left out, since grpcio can't poll for two kinds of loops in one process
        config = uvicorn.Config(app, loop="asyncio", log_level="warning", timeout_graceful_shutdown=ENDED_WITHIN)
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        # uvicorn takes an inherited socket for a Unix one and leaves the delay of small packets (40 ms) on
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        """The address of the app, without a slash behind it."""
        self._thread = Thread(target=self._run, name="live-server", daemon=True)

    def start(self) -> Self:
        """Begin to start the app."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the app, and return when it has ended: answers without end are ended first.

        Raises `RuntimeError` where the app had not started by itself, or does not end.
        """
        has_started = self._server.started
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._begin_to_stop)
        self._thread.join(STOPPED_WITHIN)
        if self._thread.is_alive():
            raise RuntimeError(f"the app has not ended within {STOPPED_WITHIN:g} s")
        if not has_started:
            raise RuntimeError("the app has not started: the log says why")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def _run(self) -> None:
        with closing(self._listener), suppress(SystemExit):  # that is how uvicorn ends where the app does not start
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve([self._listener])

    def _begin_to_stop(self) -> None:
        stop_following_in(self._app)
        self._server.should_exit = True
