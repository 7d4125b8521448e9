"""The pages for those who work on the package say what the code says."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from tests.docs.conftest import DOCS, ROOT

HEADINGS = set(
    re.findall(r"^#+ (\d+(?:\.\d+)?)\.? ", (DOCS / "internals" / "protocol.md").read_text(), flags=re.MULTILINE)
)
CITATION = re.compile(r"\bprotocol (\d+(?:\.\d+)?(?:(?:, | and )\d+\.\d+)*)")


PACKAGE = ROOT / "fastapi_esdb"
ARCHITECTURE = (DOCS / "internals" / "architecture.md").read_text()
FILES = sorted(set(re.findall(r"`([\w/]+\.py)`", ARCHITECTURE)))
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)`,\s+`(?:\w+\.)?(\w+)`", ARCHITECTURE)))


def citations() -> list[tuple[str, str]]:
    """Each number of a section that a file names, and the file; a line may end between word and number."""
    cited = set()
    for folder in ("fastapi_esdb", "tests", "benchmarks", "example_app"):
        for file in (ROOT / folder).rglob("*.py"):
            text = re.sub(r"\s+(?:#\s+)?", " ", file.read_text())
            for numbers in CITATION.findall(text):
                cited |= {(str(file.relative_to(ROOT)), number) for number in re.findall(r"[\d.]+", numbers)}
    return sorted(cited)


@pytest.mark.parametrize(("file", "number"), citations())
def test_the_protocol_has_the_section_that_a_comment_names(file: str, number: str) -> None:
    """A reader who looks a number up finds it."""
    assert number in HEADINGS


def test_comments_name_sections() -> None:
    """The test above has something to look at."""
    assert len(citations()) > 40


def test_the_picture_of_the_layers_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows the imports that there are; else run `make diagrams`."""
    monkeypatch.syspath_prepend(str(DOCS))
    diagrams = import_module("diagrams")
    assert diagrams.PICTURE.read_text() == diagrams.picture()


@pytest.mark.parametrize("file", FILES)
def test_the_files_that_the_architecture_names_exist(file: str) -> None:
    """Whoever follows a call through the files finds each of them."""
    assert (PACKAGE / file).exists()


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_architecture_names_what_is_in_the_file(file: str, name: str) -> None:
    """A step that says `file`, `Class.method` leads to that class or method."""
    assert re.search(rf"^\s*(class|def|async def) {name}\b", (PACKAGE / file).read_text(), re.MULTILINE)


def test_the_architecture_names_files() -> None:
    """The tests above have something to look at."""
    assert len(FILES) > 30
    assert len(NAMED) > 30
