"""The page about compatibility says what was recorded."""

from __future__ import annotations

import json
import re

from tests.docs.conftest import DOCS, ROOT

PAGE = (DOCS / "compatibility.md").read_text()
RECORDED = ROOT / "tests" / "conformance" / "recorded"


def test_the_recorded_scenarios_are_counted() -> None:
    """Every version that was recorded is in the table, with as many scenarios as there are."""
    told = {version: int(count) for version, count in re.findall(r"\| \w+DB ([\d.]+) \| (\d+) recorded", PAGE)}
    files = {folder.name: list(folder.glob("*.json")) for folder in RECORDED.iterdir()}
    assert told == {name: sum(len(json.loads(path.read_text())) for path in paths) for name, paths in files.items()}
