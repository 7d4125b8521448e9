"""What gRPC writes to stderr by itself: nothing, unless the user wants it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TLS_TO_PLAIN_TEXT = """
import asyncio, logging, os
logging.disable()
{first}
from fastapi_esdb import connect, EsdbSettings
from fastapi_esdb.embedded import EmbeddedServer

async def main():
    async with EmbeddedServer() as server:
        settings = EsdbSettings(connection_string=f"esdb://127.0.0.1:{{server.port}}", retry_interval=0.05)
        async with connect(settings) as esdb:
            while sum(each.attempts for each in esdb.pool.connections) < 5:
                await asyncio.sleep(0.01)

asyncio.run(main())
print(os.environ.get("GRPC_VERBOSITY"))
"""


def run(first: str = "", **environment: str) -> tuple[str, str]:
    """What a script that fails to connect prints, and what is on its stderr, where our own log is switched off."""
    inherited = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    ended = subprocess.run(
        [sys.executable, "-c", TLS_TO_PLAIN_TEXT.format(first=first)],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ended.stdout.strip(), ended.stderr


def test_failed_handshakes_write_nothing() -> None:
    """What is wrong is in our error, and the environment is left as it was."""
    assert run() == ("None", "")


@pytest.mark.parametrize(("first", "chosen"), [("", "INFO"), ("import grpc", None)])
def test_whoever_wants_the_lines_of_grpc_has_them(first: str, chosen: str | None) -> None:
    """By `GRPC_VERBOSITY`, which counts, or by loading gRPC before."""
    printed, others = run(first, **({"GRPC_VERBOSITY": chosen} if chosen else {}))
    assert printed == str(chosen)
    assert "Handshake failed" in others


def test_nothing_loads_grpc_another_way() -> None:
    """What is loaded first would decide what gRPC writes."""
    direct = re.compile(r"^\s*(import|from) grpc\b", re.MULTILINE)
    found = [path.name for path in (ROOT / "fastapi_esdb").rglob("*.py") if direct.search(path.read_text())]
    assert found == ["quiet_grpc.py"]
