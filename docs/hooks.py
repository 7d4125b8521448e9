"""Runs while MkDocs builds: some pages are files that live at the root of the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
SOURCES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
}


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Return the text of the file in place of its page; links into `docs/` and to such files lead to pages."""
    source = SOURCES.get(page.file.src_uri)
    if source is None:
        return markdown
    text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
    for name, file in SOURCES.items():
        text = text.replace(f"]({file})", f"]({name})")
    return text
