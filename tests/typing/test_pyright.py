"""The classes of events and states are seen by pyright, as they are by mypy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.mark.slow
def test_pyright_sees_the_classes_of_events() -> None:
    """Each `assert_type` of the file holds, and each mistake in it is one. `make types` asks both."""
    pytest.importorskip("basedpyright", reason="pyright is not installed: pip install basedpyright")
    command = [sys.executable, "-m", "basedpyright", "--project", str(FOLDER), "--pythonpath", sys.executable]
    done = subprocess.run([*command, "--outputjson"], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in report["generalDiagnostics"]] == []
    assert report["summary"]["filesAnalyzed"] == 1
