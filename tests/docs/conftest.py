"""Shared by the tests of the documentation: where it is, and a database for its code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the documentation runs, it runs on an embedded server of its own."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb+embedded://")


def run(*arguments: str | Path, cwd: Path = ROOT) -> str:
    """Return what the Python of these tests prints; fail if it does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    process = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout
