"""The reference says what the code says."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import chain
from operator import attrgetter
from pathlib import Path
from types import ModuleType

import pytest
from kurrentdbclient import AsyncKurrentDBClient, exceptions

from fastapi_esdb import Connection, ConnectionPool, EsdbSettings
from fastapi_esdb.plugin.handlers import CALLERS_OWN, PROBLEMS
from fastapi_esdb.plugin.problems import KINDS, Kind, Refusal
from fastapi_esdb.wire.methods import all_methods
from tests.docs.conftest import DOCS, PAGES, ROOT, run

README = (ROOT / "README.md").read_text()
TARGETS = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)

CALLS = """
import sys
from functools import cached_property
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.method import Method

esdb = Connection(ConnectionPool(EsdbSettings(connection_string="esdb://localhost")))
for name, part in vars(Connection).items():
    if isinstance(part, cached_property):
        part.func(esdb)  # is loaded when it is used
for name, module in list(sys.modules.items()):
    if name.startswith(("fastapi_esdb.api", "fastapi_esdb.pool", "fastapi_esdb.connection")):
        print(*(value.path for value in vars(module).values() if isinstance(value, Method)))
"""
"""Prints the calls that any module imports which a `Connection` or a part of it needs."""


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module("tables")


def test_the_tables_are_current(tables: ModuleType) -> None:
    """The pages hold the tables that the code makes; else run `python docs/tables.py`."""
    made = tables.pages()
    assert {path.name for path in made} == {"settings.md", "protocol.md", "transports.md"}
    for path, text in made.items():
        assert path.read_text() == text, f"{path.name} is stale: run `python docs/tables.py`"


def test_what_is_said_to_be_offered_is_what_the_client_calls(tables: ModuleType) -> None:
    """No call is promised that a connection does not make, and none that it makes is left out."""
    assert {method.path for method in tables.OFFERED} == set(run("-c", CALLS).split())


def test_what_is_said_to_be_offered_exists(tables: ModuleType) -> None:
    """Each name in the table is a name in `Connection`."""
    connection = Connection(ConnectionPool(EsdbSettings(connection_string="esdb://localhost")))
    for name in chain.from_iterable(tables.OFFERED.values()):
        attrgetter(name)(connection)


def test_all_settings_and_all_calls_are_listed() -> None:
    """Nothing that can be set and nothing that the protocol has is missing."""
    settings = (DOCS / "reference" / "settings.md").read_text()
    assert all(f"`ESDB_{name.upper()}`" in settings for name in EsdbSettings.model_fields)
    protocol = (DOCS / "reference" / "protocol.md").read_text()
    assert all(f"`{method.service}`" in protocol and f"| {method.name} |" in protocol for method in all_methods())


def test_every_setting_is_described(tables: ModuleType) -> None:
    """The table takes what each means from below its field."""
    described = tables.docstrings(EsdbSettings)
    own = set(EsdbSettings.__annotations__) - {"model_config"}
    assert {name for name, text in described.items() if text} >= own


def test_who_comes_from_kurrentdbclient_finds_each_call() -> None:
    """Whatever the other client has is on the page, and what the page names there is no invention."""
    page = (DOCS / "how-to" / "migration.md").read_text()
    assert [name for name in dir(AsyncKurrentDBClient) if not name.startswith("_") and name not in page] == []
    errors = set(re.findall(r"`(\w+Error)`", page)) - {"EsdbError"}
    assert [name for name in errors if not hasattr(exceptions, name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_that_is_mentioned_exists(page: Path) -> None:
    """No setting in the text is made up."""
    text = page.read_text()
    settings = {f"ESDB_{name.upper()}" for name in EsdbSettings.model_fields}
    assert set(re.findall(r"\bESDB_[A-Z_]+\b", text)) <= settings


@pytest.mark.parametrize("command", re.findall(r"`?make ([a-z0-9-]+)", README))
def test_the_commands_of_the_readme_exist(command: str) -> None:
    """Each `make` target that the README names is in the Makefile, with a line of help."""
    assert command in TARGETS


def test_every_answer_to_an_error_has_a_section() -> None:
    """With its status, and with the errors where they are not one of many."""
    text = (DOCS / "how-to" / "errors.md").read_text()
    sections = dict(re.findall(r"^### ([a-z-]+)\n\n(.*?)\n\n", text, flags=re.MULTILINE | re.DOTALL))
    assert sections.keys() == {kind.name for kind in KINDS}
    refusals: dict[type[Exception], Kind] = {refusal: refusal.kind for refusal in Refusal.__subclasses__()}
    for error, problem in [*PROBLEMS.items(), *CALLERS_OWN.items(), *refusals.items()]:
        assert sections[problem.name].startswith(f"**{problem.status}")
        assert problem.name == "unavailable" or f"`{error.__name__}`" in sections[problem.name]
