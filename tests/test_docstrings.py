"""Public docstrings say what the thing does, or is: "Return …", "Wait until …", "Raised when …"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "fastapi_esdb"
GENERATED = ROOT / "wire" / "proto"

NAMING_A_CLAUSE = ("What", "Whether", "How", "Where")
"""Words that begin a clause ("Whether a call could leave"), which names a question and leaves the answer open."""

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def documented(body: list[ast.stmt]) -> Iterator[Documented]:
    """The public classes, functions and methods in a module or class."""
    for node in body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from documented(node.body)


def clauses(text: str) -> list[str]:
    """The names in a module's text whose docstrings begin with such a word."""
    docs = [(node.name, ast.get_docstring(node) or "") for node in documented(ast.parse(text).body)]
    return [f"{name}: {doc}" for name, doc in docs if doc.partition(" ")[0] in NAMING_A_CLAUSE]


def test_docstrings_state_instead_of_asking() -> None:
    """Of all names that a user or a colleague can call."""
    files = [path for path in sorted(ROOT.rglob("*.py")) if GENERATED not in path.parents]
    assert len(files) > 100
    found = {str(path.relative_to(ROOT)): names for path in files if (names := clauses(path.read_text()))}
    assert found == {}


def test_such_docstrings_are_found() -> None:
    """In functions, classes and methods; private names are nobody's concern, and other words are fine."""
    text = """
def f(): "Whether it is so."
def _f(): "Whether it is so."
class A:
    "What it is."
    async def g(self): "However it is."
    def h(self): "How it is."
class _B:
    def h(self): "How it is."
"""
    assert clauses(text) == ["f: Whether it is so.", "A: What it is.", "h: How it is."]
