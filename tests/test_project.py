"""The things around the code fit together: commands, versions, hooks, the guide."""

from __future__ import annotations

import re
import runpy
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = re.findall(r"^([a-z0-9-]+):.*## \S", MAKEFILE, flags=re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = chain.from_iterable(PROJECT["optional-dependencies"].values())
DEPENDENCIES = sorted({line for line in chain(PROJECT["dependencies"], EXTRAS) if not line.startswith("fastapi-esdb")})
CONSTRAINTS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
MODULES = {"grpcio": "grpc", "protobuf": "google.protobuf"}
"""The modules of packages whose names say something else."""


def test_make_help_names_every_command() -> None:
    """Each target that a person may call has a line of help."""
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert sorted(phony.split()) == sorted(COMMANDS)


@pytest.mark.parametrize("command", re.findall(r"`make ([a-z0-9-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
def test_the_commands_of_contributing_exist(command: str) -> None:
    """Each `make` target that it names is in the Makefile."""
    assert command in COMMANDS


def test_what_runs_alone_is_where_make_looks_for_it() -> None:
    """In one folder, so that nothing else has to be collected for it."""
    marked = [path for path in ROOT.glob("tests/**/test_*.py") if re.search(r"mark\.alone\b", path.read_text())]
    assert {str(path.parent.relative_to(ROOT)) for path in marked} == {"tests/faults"}
    assert "ALONE := tests/faults\n" in MAKEFILE


def test_the_hook_runs_a_command_that_exists() -> None:
    """pre-commit calls a target of the Makefile."""
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    [hook] = repository["hooks"]
    make, target = hook["entry"].split()
    assert make == "make"
    assert target in COMMANDS


@pytest.mark.parametrize("line", CONSTRAINTS)
def test_constraints_are_names_and_versions(line: str) -> None:
    """No address, no path, no option: the file works with any registry."""
    assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line)


@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_constraints_hold_every_dependency_in_a_version_that_is_allowed(dependency: str) -> None:
    """Those of the extras as well; else run `make constraints`."""
    wanted = Requirement(dependency)
    versions = {canonicalize_name(name): version for name, version in (line.split("==") for line in CONSTRAINTS)}
    assert versions[canonicalize_name(wanted.name)] in wanted.specifier


@pytest.mark.parametrize("dependency", PROJECT["dependencies"])
def test_every_dependency_is_imported(dependency: str) -> None:
    """Nobody has to install something that the package does not use."""
    name = Requirement(dependency).name
    module = MODULES.get(name, name.replace("-", "_"))
    files = (ROOT / "fastapi_esdb").rglob("*.py")
    assert any(re.search(rf"^\s*(from|import) {module}\b", file.read_text(), re.MULTILINE) for file in files)


@pytest.mark.parametrize(
    "path", re.findall(r"`((?:fastapi_esdb|tests|docs|protos)/[\w/.]*)`", (ROOT / "CONTRIBUTING.md").read_text())
)
def test_the_places_that_contributing_names_exist(path: str) -> None:
    """Whoever follows it finds each file and folder."""
    assert (ROOT / path).exists()


def test_a_release_is_tried_with_all_that_users_install() -> None:
    """Each extra but those for work on the package itself."""
    tried = runpy.run_path(str(ROOT / "release" / "try_wheel.py"))["EXTRAS"]
    assert {*tried, "docs", "bench", "tests", "dev"} == PROJECT["optional-dependencies"].keys()
