"""Settings tests see no setting of the machine they run on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def clean_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No `ESDB_` variable in the environment, and an empty working directory without a `.env`."""
    for name in [name for name in os.environ if name.upper().startswith("ESDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
