"""What all tests share: the fixtures that users get, an environment without settings, and a log without secrets."""

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.secrets import SecretsLogged

settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")

pytest_plugins = ["fastapi_esdb.testing"]


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
