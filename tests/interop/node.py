"""Node, what the tests need of npm for it, and the official client in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGE = HERE / "package.json"
INSTALL_TIMEOUT = 80
"""Seconds that the registry has; the installation is kept from one run of the tests to the next."""

RUN_TIMEOUT = 60.0
"""Seconds that one scenario has, far more than it takes."""

OPTIONS = [
    "--engine-strict",
    "--fetch-retries=1",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--prefer-offline",
]


def installed(cache: pytest.Cache, package: Path = PACKAGE) -> Path:
    """The folder with what that `package.json` asks for; npm fetches it if it is not there.

    Skips the test where that is not possible.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}: get it with `apt-get install nodejs npm`")
    [(name, version)] = json.loads(package.read_text())["dependencies"].items()
    folder = cache.mkdir(f"{name.rpartition('/')[2]}-{version}")
    modules = folder / "node_modules"
    if not modules.exists():
        with TemporaryDirectory(dir=folder) as fresh:
            _install(package, Path(fresh), f"{name} {version}")
            with suppress(OSError):  # another process that runs these tests was faster
                (Path(fresh) / "node_modules").rename(modules)
    return modules


def _install(package: Path, folder: Path, what: str) -> None:
    shutil.copy(package, folder)
    try:
        subprocess.run(
            ["npm", "install", *OPTIONS],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT,
        )
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"npm could not install {what}: {_reason(error)}")


def _reason(error: Exception) -> str:
    """What npm says first that is no warning."""
    text = getattr(error, "stderr", None)
    lines = text.splitlines() if isinstance(text, str) else []
    return next((line for line in lines if line.lower().startswith("npm err")), str(error))


async def run(modules: Path, target: str, scenario: str) -> Any:
    """What a scenario of `client.cjs` finds."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / "client.cjs"),
        target,
        scenario,
        env={**os.environ, "NODE_PATH": str(modules)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        answer, problems = await asyncio.wait_for(process.communicate(), RUN_TIMEOUT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, problems.decode()
    return json.loads(answer)
