"""What all tests share: the fixtures that users get, and an environment without settings."""

import os

import pytest
from hypothesis import settings

settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")

pytest_plugins = ["fastapi_esdb.testing"]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests gets in."""
    for name in list(os.environ):
        if name.startswith("ESDB_"):
            monkeypatch.delenv(name)
