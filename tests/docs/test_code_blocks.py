"""The Python in README and docs works: each page is executed from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from tests.docs.conftest import DOCS, PAGES, ROOT, run
from tests.support.serving import await_connection

HOW_TO = DOCS / "how-to" / "testing_example"
SYBIL = Sybil(parsers=[PythonCodeBlockParser()])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(page: Path) -> None:
    """Its blocks share one namespace, and hidden ones check what the text says."""
    document = SYBIL.parse(page)
    namespace: dict[str, Any] = document.namespace
    namespace["connected"] = await_connection
    for example in document.examples():
        example.evaluate()


def blocks_of(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def pytest_in(folder: Path) -> str:
    return run("-m", "pytest", "-W", "error", "-c", HOW_TO / "pytest.ini", "--rootdir", folder, cwd=folder)


def test_the_tests_that_the_readme_shows_pass(tmp_path: Path) -> None:
    """Its app and its test, put into files and run by pytest."""
    app, _, tests = blocks_of(ROOT / "README.md")
    (tmp_path / "app.py").write_text(app)
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["fastapi_esdb.testing"]\n')
    (tmp_path / "test_app.py").write_text(tests)
    assert "1 passed" in pytest_in(tmp_path)


def test_the_tests_that_the_how_to_shows_pass(tmp_path: Path) -> None:
    """They are files of their own, which the page includes."""
    for file in HOW_TO.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert "13 passed" in pytest_in(tmp_path)
