"""The site builds, and all that is public is in it."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

import fastapi_esdb
from fastapi_esdb.plugin.problems import DOCS as PROBLEMS_AT
from fastapi_esdb.plugin.problems import KINDS, Kind
from tests.docs.conftest import DOCS, PAGES, ROOT, run
from tests.example_app.browser import chromium

pytestmark = pytest.mark.timeout(600)
"""The site takes ten seconds of a processor, and looks at all of its pages as many, which busy machines don't have."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build what `make docs` does, with links, anchors and references checked."""
    folder = tmp_path_factory.mktemp("site")
    run("-m", "mkdocs", "build", "--strict", "--site-dir", folder)
    return folder


def test_the_front_page_is_the_readme(site: Path) -> None:
    """Its links lead to the pages of the site."""
    page = (site / "index.html").read_text()
    assert "make run" in page
    assert 'href="reference/settings/"' in page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_type_of_every_problem_leads_to_its_section(site: Path, kind: Kind) -> None:
    """The URL is one of the site, and the anchor is on its page."""
    [address] = re.findall(r"^site_url: (.*)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    assert PROBLEMS_AT.startswith(address)
    page = site / PROBLEMS_AT.removeprefix(address) / "index.html"
    assert f'id="{kind.name}"' in page.read_text()


def test_the_changelog_is_a_page(site: Path) -> None:
    """The file at the root of the project is shown."""
    assert "Unreleased" in (site / "changelog" / "index.html").read_text()


@pytest.mark.parametrize("page", ["tutorial", "how-to/testing"])
def test_code_that_is_included_is_there(site: Path, page: str) -> None:
    """A page that shows a file shows what is in it."""
    text = (site / page / "index.html").read_text()
    assert "include_router" in text
    assert "8&lt;" not in text


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    """Whatever `fastapi_esdb` offers can be looked up."""
    reference = "\n".join(page.read_text() for page in (site / "reference").rglob("index.html"))
    assert [name for name in fastapi_esdb.__all__ if not re.search(rf"\b{name}\b", reference)] == []


SIZES = """() => [...document.querySelectorAll(".md-content pre > code, .md-content table")]
    .filter(shown => shown.scrollWidth > shown.clientWidth).map(shown => shown.innerText.slice(0, 60))"""
SIDEWAYS = "() => document.documentElement.scrollWidth > window.innerWidth ? ['the page'] : []"


def test_every_page_fits_its_window(site: Path) -> None:
    """No page has to be moved sideways, on a phone; at 1,300 pixels no example and no table has to, either."""
    too_wide = []
    with chromium() as browser, browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.set_default_timeout(0)
        for path in sorted(site.rglob("index.html")):
            name = str(path.relative_to(site))
            page.goto(path.as_uri())
            for width, look in ((1300, SIZES), (390, SIDEWAYS)):
                page.set_viewport_size({"width": width, "height": 900})
                too_wide += [(width, name, what) for what in page.evaluate(look)]
    assert too_wide == []


COLUMN = 101
"""As many characters of code as fit beside the sidebars in a window of 1,300 pixels; `docs/styles.css` sees to that."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_fits_its_column(page: Path) -> None:
    """Nobody has to scroll sideways to read an example."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    included = re.findall(r'^--8<-- "([\w/-]+\.(?:py|js))"$', "\n".join(blocks), flags=re.MULTILINE)
    lines = chain("\n".join(blocks).splitlines(), *((DOCS / name).read_text().splitlines() for name in included))
    assert [line for line in lines if len(line) > COLUMN] == []
