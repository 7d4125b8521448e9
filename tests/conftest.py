"""What all tests share: the fixtures that users get, an environment without settings, and a log without secrets."""

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from fastapi_esdb.connection import transports
from fastapi_esdb.settings.choices import TransportKind
from tests.support.secrets import SecretsLogged

settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")

pytest_plugins = ["fastapi_esdb.testing"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the whole suite run over either transport: `--transport http2`, or `ESDB_TRANSPORT=http2`."""
    chosen = os.environ.get("ESDB_TRANSPORT", TransportKind.GRPCIO)
    parser.addoption("--transport", choices=[*TransportKind], default=chosen, help="of connections without a choice")


@pytest.fixture(autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TransportKind:
    """Connections whose settings choose no transport go over the one that the test is run with: this one."""
    kind = TransportKind(getattr(request, "param", request.config.getoption("--transport")))
    monkeypatch.setitem(transports._OPENED_BY, TransportKind.GRPCIO, transports._OPENED_BY[kind])
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
