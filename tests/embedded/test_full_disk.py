"""A server whose disk is full, as its clients see it."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest

from fastapi_esdb import EsdbSettings, NewEvent, connect
from fastapi_esdb.errors import WriteFailed
from fastapi_esdb.settings.choices import AppendMode
from tests.support.processes import Running, python

MODULE = ("-m", "fastapi_esdb.embedded")
LARGE = {"text": "x" * 100_000}


def limit_files(server: Running, size: int) -> None:
    """Let the server's files grow to so many bytes and no further: what is written beyond that fails."""
    _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, most))


@pytest.mark.parametrize("mode", AppendMode)
async def test_appends_fail_while_there_is_no_room(tmp_path: Path, mode: AppendMode) -> None:
    """They did not happen and the error says so, in each way that appends travel; then they work again, and a server
    that is started anew has what was acknowledged and nothing else. Its log has a line for the begin and the end.
    """
    arguments = (*MODULE, "--port", "0", "--data", str(tmp_path / "events.db"))
    async with python(*arguments) as server:
        await server.until("tls=false")
        target = next(line for line in server.printed.splitlines() if line.startswith("esdb://"))
        async with connect(EsdbSettings(connection_string=target, append_mode=mode)) as esdb:
            await esdb.wait_connected(timeout=30)
            assert (await esdb.append("a", NewEvent("Added", LARGE))).revision == 0
            limit_files(server, 4096)
            for _ in range(3):
                with pytest.raises(WriteFailed, match="may be full"):
                    await esdb.append("a", NewEvent("Lost", LARGE))
            assert [event.type async for event in esdb.read("a")] == ["Added"]
            limit_files(server, resource.RLIM_INFINITY)
            assert (await esdb.append("a", NewEvent("Added", LARGE))).revision == 1
        assert await server.ended(signal.SIGTERM) == 0
    assert server.printed.count("it can't be written") == 1
    assert server.printed.count("can be written again") == 2
    async with connect(f"esdb+embedded://{tmp_path}/events.db") as esdb:
        await esdb.wait_connected(timeout=30)
        assert [event.type async for event in esdb.read("a")] == ["Added", "Added"]
