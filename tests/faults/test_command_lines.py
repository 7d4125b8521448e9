"""What everyone on the machine can read: the command lines of our processes, and what they print."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import psutil
import pytest

from fastapi_esdb.embedded import EmbeddedCluster, EmbeddedServer, ServerCertificate
from tests.support.processes import Running, free_port, python
from tests.support.secrets import PASSWORD, TOKEN, USER, found_in
from tests.support.waiting import until


def command_lines(process: psutil.Process) -> list[str]:
    """Those of a process and of all that it started."""
    return [" ".join(one.cmdline()) for one in (process, *process.children(recursive=True))]


@pytest.fixture
async def app(esdb_server: EmbeddedServer) -> AsyncIterator[tuple[Running, int]]:
    """An app with two workers and secrets in its environment, and its port."""
    secret = {
        "ESDB_CONNECTION_STRING": f"esdb://{USER}:{quote(PASSWORD, safe='')}@{esdb_server.address}?tls=false",
        "ESDB_CONTROL_TOKEN": TOKEN,
    }
    port = free_port()
    served = ("-m", "uvicorn", "tests.plugin.served:app", "--port", str(port), "--workers", "2")
    async with python(*served, "--log-level", "debug", env=secret) as process:
        await process.until("Application startup complete", 2)
        yield process, port


async def test_an_app_with_workers(app: tuple[Running, int]) -> None:
    """Workers get their secrets by the environment, and print none, whether they serve or refuse."""
    process, port = app
    lines = command_lines(psutil.Process(process.process.pid))
    assert len(lines) >= 3
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.post("/events/a")).status_code == 200
        for token in ("wrong", TOKEN):
            await client.post("/health/esdb/close", headers={"X-ESDB-Control": token})
    assert await process.ended(signal.SIGTERM) == 0
    assert not found_in([*lines, process.printed])


async def test_the_nodes_of_a_cluster() -> None:
    """They find the key of their certificate in a folder that nobody else can enter."""
    certificate = ServerCertificate.made()
    async with EmbeddedCluster(1, tls=certificate, secure=True) as cluster:
        lines = command_lines(psutil.Process())
        folder = Path(cluster.connection_string.partition("&tlsCaFile=")[2]).parent
        assert any(str(folder) in line for line in lines)
        assert folder.stat().st_mode & 0o077 == 0
    assert not [line for line in lines if "changeit" in line or "PRIVATE KEY" in line]
    await until(lambda: not folder.exists())
