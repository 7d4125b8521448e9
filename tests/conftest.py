"""What all tests share: the fixtures that users get, an environment without settings, and a log without secrets."""

import logging
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from fastapi_esdb.connection import transports
from fastapi_esdb.settings.choices import TransportKind
from tests import TRANSPORT_OF_TESTS
from tests.support.secrets import SecretsLogged
from tests.support.target import TARGET, needs_own_server, what_is_lacking
from tests.support.transports import GRPC_POLLER

settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")

pytest_plugins = ["fastapi_esdb.testing"]


def is_of_this_test(record: logging.LogRecord) -> bool:
    """Return whether it is no word of gRPC's poller, shared by all tests, about the closed loop of an earlier one."""
    closed = record.exc_info is not None and "Event loop is closed" in str(record.exc_info[1])
    return not (closed and GRPC_POLLER in record.getMessage())


logging.getLogger("asyncio").addFilter(is_of_this_test)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the whole suite run over either transport: `--transport http2`, or `ESDB_TRANSPORT=http2`."""
    chosen = os.environ.get("ESDB_TRANSPORT", TransportKind.GRPCIO)
    parser.addoption("--transport", choices=[*TransportKind], default=chosen, help="of connections without a choice")


@pytest.fixture(autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TransportKind:
    """Connections whose settings choose no transport go over the one that the test is run with: this one.

    Here whatever made their settings, and in the processes that the test starts.
    """
    kind = TransportKind(getattr(request, "param", request.config.getoption("--transport")))
    if kind is not TransportKind.GRPCIO:
        monkeypatch.setitem(transports._OPENED_BY, TransportKind.GRPCIO, transports._OPENED_BY[kind])
        monkeypatch.setenv(TRANSPORT_OF_TESTS, kind)
    return kind


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests gets in."""
    for name in list(os.environ):
        if name.startswith("ESDB_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_secret_is_logged() -> Iterator[None]:
    """Whatever a test does, nothing that is logged meanwhile, at whatever level, holds a password or a token."""
    ours, watch = logging.getLogger("fastapi_esdb"), SecretsLogged()
    level = ours.level
    ours.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(watch)
    yield
    logging.getLogger().removeHandler(watch)
    ours.setLevel(level)
    assert not watch.found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not for a server that is shared, if there is one to test with."""
    if TARGET:
        left_out = [item for item in items if needs_own_server(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip by name what the server to test with lacks."""
    report = yield
    if TARGET and call.excinfo and (lacking := what_is_lacking(call.excinfo.value)):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {lacking}")
    return report
