"""What uvicorn shows of the log."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fastapi_esdb.plugin.server_log import OURS, ShownByServer, show_lines_under_uvicorn
from tests.support.processes import address, free_port, python

UVICORN = ("-m", "uvicorn", "tests.plugin.served:app", "--port", "0")


async def test_uvicorn_shows_the_lines_by_default() -> None:
    """Between its own, and as those."""
    async with python(*UVICORN, env={"ESDB_CONNECTION_STRING": "esdb+embedded://"}) as app:
        await app.until("INFO:     default-1: connected to 127.0.0.1:")
        await app.until("Application startup complete")
        await app.ended(signal.SIGTERM)
    assert app.printed.count("default-1: connected to") == 1


async def test_lines_are_shown_from_the_level_of_the_server_on() -> None:
    """Warnings only, if that is what was asked for."""
    nowhere = {"ESDB_CONNECTION_STRING": address(free_port())}
    async with python(*UVICORN, "--log-level", "warning", env=nowhere) as app:
        await app.until("WARNING:  default-1: cannot connect to ")
        await app.ended(signal.SIGTERM)
    assert "default-1: connecting" not in app.printed


@contextmanager
def only_uvicorn_is_configured() -> Iterator[list[logging.LogRecord]]:
    """The log as it is where the app has configured nothing; gives what uvicorn shows."""
    shown: list[logging.LogRecord] = []

    class Show(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.append(record)

    root, server, handler = logging.getLogger(), logging.getLogger("uvicorn.error"), Show()
    before, level, root.handlers = root.handlers, OURS.level, []
    OURS.setLevel(logging.NOTSET)
    server.addHandler(handler)
    server.setLevel(logging.INFO)
    try:
        yield shown
    finally:
        root.handlers = before
        OURS.setLevel(level)
        OURS.handlers = [each for each in OURS.handlers if not isinstance(each, ShownByServer)]
        server.removeHandler(handler)
        server.setLevel(logging.NOTSET)


def test_a_line_is_shown_once() -> None:
    """However many databases the app has."""
    with only_uvicorn_is_configured() as shown:
        show_lines_under_uvicorn()
        show_lines_under_uvicorn()
        OURS.info("one")
    assert [record.getMessage() for record in shown] == ["one"]


@pytest.mark.parametrize("logger", [logging.getLogger(), OURS])
def test_what_the_app_configures_counts_alone(logger: logging.Logger) -> None:
    """No line comes twice, whether that is before the app starts or afterwards."""
    handler = logging.NullHandler()
    with only_uvicorn_is_configured() as shown:
        logger.addHandler(handler)
        show_lines_under_uvicorn()
        assert not any(isinstance(each, ShownByServer) for each in OURS.handlers)
        assert OURS.level == logging.NOTSET
        logger.removeHandler(handler)
        show_lines_under_uvicorn()
        logger.addHandler(handler)
        OURS.info("one")
        logger.removeHandler(handler)
    assert shown == []
