"""The site builds."""

from __future__ import annotations

from pathlib import Path

from tests.docs.conftest import run


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """`make docs`: links, anchors, references and pages are all there."""
    run("-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path)
    assert "fastapi_esdb" in (tmp_path / "index.html").read_text()
    assert "Unreleased" in (tmp_path / "changelog" / "index.html").read_text()
