"""An app in a process of its own, served by uvicorn: for answers without end, and for browsers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.support.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]


@contextmanager
def served(app: str, environment: Mapping[str, str], folder: Path = ROOT) -> Iterator[httpx2.Client]:
    """A client of `app` ("module:name", found in `folder`), once that is connected to its database."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # uvicorn takes an inherited socket for a Unix one and leaves the delay of small packets (40 ms) on
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        process = _start(app, listener, environment, folder)
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=PATIENCE) as client:
                await_connection(client)
                yield client
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _start(app: str, listener: socket.socket, environment: Mapping[str, str], folder: Path) -> subprocess.Popen[bytes]:
    """The server takes over a socket that listens already: requests wait for it, and no free port is guessed."""
    listener.set_inheritable(True)
    command = [sys.executable, "-m", "uvicorn", app, "--app-dir", str(folder), "--fd", str(listener.fileno())]
    return subprocess.Popen(
        [*command, "--log-level", "warning"], cwd=ROOT, env={**os.environ, **environment}, pass_fds=[listener.fileno()]
    )


def await_connection(client: httpx2.Client, path: str = "/health/esdb") -> None:
    """Wait until the app is connected to its database."""
    eventually(lambda: client.get(path).status_code == 200)


def sent_events(response: httpx2.Response) -> Iterator[dict[str, str]]:
    """The fields of each server-sent event as it arrives; comments pass by."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        fields[name] = value
        if not line:
            yield from [fields] if "id" in fields else []
            fields = {}
