"""An app with an embedded server has one worker."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from fastapi_esdb.embedded.workers import only_worker
from tests.support.processes import python

APP = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from fastapi_esdb.embedded.workers import only_worker

@asynccontextmanager
async def lifespan(app):
    with only_worker("default"):
        yield

app = FastAPI(lifespan=lifespan)
"""

STARTED = "Application startup complete"
REFUSED = "cannot serve several workers"

HOLD = """
import sys
from fastapi_esdb.embedded.workers import only_worker
with only_worker(sys.argv[1]):
    print("holding")
    sys.stdin.read()
"""
TRY = HOLD.replace("    sys.stdin.read()\n", "")
GUNICORN = {"SERVER_SOFTWARE": "gunicorn/23.0.0"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "small_app.py"
    path.write_text(APP)
    return path


async def test_several_workers_are_refused(app: Path) -> None:
    """Of several workers of uvicorn one starts, and the others say why they don't."""
    arguments = ("-m", "uvicorn", "small_app:app", "--port", "0", "--workers", "2", "--app-dir", str(app.parent))
    async with python(*arguments) as process:
        await process.until(STARTED)
        await process.until(REFUSED)
        await process.ended(signal.SIGTERM)


async def test_a_reload_goes_on_working(app: Path) -> None:
    """A reload replaces the only worker by another only worker."""
    arguments = ("-m", "uvicorn", "small_app:app", "--port", "0", "--reload", "--app-dir", str(app.parent))
    async with python(*arguments, directory=app.parent) as process:
        for count in (1, 2, 3):
            await process.until(STARTED, count)
            await asyncio.to_thread(app.write_text, f"{APP}\n# {count}\n")
        await process.ended(signal.SIGTERM)
    assert REFUSED not in process.printed


async def test_siblings_under_gunicorn() -> None:
    """Workers of gunicorn are forks of one parent; the second one is refused, as long as the first one lives."""
    async with python("-c", HOLD, "a", env=GUNICORN) as first:
        await first.until("holding")
        async with python("-c", TRY, "a", env=GUNICORN) as second:
            assert await second.ended() == 1
        assert REFUSED in second.printed
        async with python("-c", TRY, "b", env=GUNICORN) as other:
            assert await other.ended() == 0
        await first.ended(signal.SIGKILL)
    async with python("-c", TRY, "a", env=GUNICORN) as third:
        assert await third.ended() == 0


async def test_processes_that_are_no_workers() -> None:
    """Two apps that are started beside each other have nothing to do with each other."""
    async with python("-c", HOLD, "a") as first:
        await first.until("holding")
        async with python("-c", TRY, "a") as second:
            assert await second.ended() == 0


def test_twice_in_one_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One worker may run several apps, and start them again; what it needed for that is gone then."""
    monkeypatch.setenv("SERVER_SOFTWARE", GUNICORN["SERVER_SOFTWARE"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for _ in range(3):
        with only_worker("a"), only_worker("a"), only_worker("b"):
            assert len(os.listdir(tmp_path)) == 2
        assert not os.listdir(tmp_path)
