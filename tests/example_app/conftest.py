"""The shop, in this process for its API, and behind a real server for its page and its live events."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from example_app.main import app
from tests.example_app.waiting import PATIENCE, eventually

ROOT = Path(__file__).parent.parent.parent
TOKEN = "a-token-for-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
ENVIRONMENT = {"ESDB_CONNECTION_STRING": "esdb+embedded://", "ESDB_CONTROL_TOKEN": TOKEN}


def await_connection(http: httpx2.Client) -> None:
    eventually(lambda: http.get("/health/esdb").status_code == 200)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The shop with an empty embedded server, started and connected."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with TestClient(app) as client:
        await_connection(client)
        yield client


@pytest.fixture
def shop() -> Iterator[httpx2.Client]:
    """A client of the shop in a process of its own, served by uvicorn, empty, connected."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = serve(listener)
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=PATIENCE) as http:
                await_connection(http)
                yield http
        finally:
            process.terminate()
            process.wait(PATIENCE)


def serve(listener: socket.socket) -> subprocess.Popen[bytes]:
    """The server takes the socket over, which listens already: requests wait for it, and no port is looked for."""
    listener.set_inheritable(True)
    command = [sys.executable, "-m", "uvicorn", "example_app.main:app", "--fd", str(listener.fileno())]
    options = ["--log-level", "warning", "--timeout-graceful-shutdown", "1"]
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.Popen([*command, *options], cwd=ROOT, env=environment, pass_fds=[listener.fileno()])
