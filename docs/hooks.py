"""What MkDocs runs while it builds: two pages are files that live at the root of the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
SOURCES = {"index.md": "README.md", "changelog.md": "CHANGELOG.md"}


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """The text of README and changelog in place of their pages; links into `docs/` begin there."""
    source = SOURCES.get(page.file.src_uri)
    return (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](") if source else markdown
