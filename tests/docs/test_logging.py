"""The documented events of the log are those that the code logs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.docs.conftest import DOCS, ROOT

PACKAGE = ROOT / "fastapi_esdb"
LEVELS = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR"}
DEPENDS = "at"
ROW = re.compile(r"^\| `(?P<event>\w+)` \| (?P<levels>[A-Z, ]+) \|(?P<fields>[^|]*)\|", re.MULTILINE)


def calls() -> Iterator[ast.Call]:
    """The calls that log something, in all modules but those of the embedded server."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "embedded" in path.parts or path == PACKAGE / "log.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func.value):
                yield node


def _is_log(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("log", "logger")


def test_the_documented_events_are_those_that_the_code_logs() -> None:
    """Each with its level and its fields: none is left out, and none is only on paper."""
    table = {
        row["event"]: (row["levels"], frozenset(re.findall(r"`(\w+)`", row["fields"])))
        for row in ROW.finditer((DOCS / "how-to" / "logging.md").read_text())
    }
    logged: dict[str, set[tuple[str, frozenset[str]]]] = {}
    for call in calls():
        assert isinstance(call.func, ast.Attribute)
        event = call.args[call.func.attr == DEPENDS]
        assert isinstance(event, ast.Constant)
        assert isinstance(event.value, str)
        fields = frozenset(keyword.arg for keyword in call.keywords if keyword.arg and keyword.arg != "trace")
        depends = call.func.attr == DEPENDS
        level = table.get(event.value, ("",))[0] if depends else LEVELS[call.func.attr]
        assert (", " in level) == depends, f"{event.value} is logged at {level}"
        logged.setdefault(event.value, set()).add((level, fields))
    assert logged == {event: {row} for event, row in table.items()}
