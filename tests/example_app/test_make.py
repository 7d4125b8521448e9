"""What `make run` does in a fresh checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What make looks at, without anything installed."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def installed_by(target: str, checkout: Path) -> list[str]:
    """The extras of this package that making the target would install."""
    command = ["make", "--dry-run", target]
    shown = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True, timeout=60).stdout
    return re.findall(r"install .*'\.\[(.*)\]'", shown)


def test_the_shop_needs_only_a_server_and_its_status_page(checkout: Path) -> None:
    """Neither the tools of development nor those of the documentation."""
    assert installed_by("run", checkout) == ["server,status"]
    assert installed_by("lint", checkout) == ["server,status", "dev,docs"]


def test_what_is_installed_is_not_installed_again(checkout: Path) -> None:
    """Neither by the shop after everything else, nor by everything else after the shop."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / ".shop").touch()
    assert installed_by("run", checkout) == []
    assert installed_by("lint", checkout) == ["dev,docs"]
    (checkout / ".venv" / ".installed").touch()
    assert installed_by("lint", checkout) == []
