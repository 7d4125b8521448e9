"""Try the README's app with what is installed: `python release/smoke.py`, with the Python of a fresh environment.

It uses nothing but the standard library, so that the environment holds the wheel, what that needs, and no more.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0
IMPORTS = """
import fastapi_esdb, importlib, pkgutil
EXTRAS = set("cryptography httpx2 jinja2 markupsafe opentelemetry pytest pytest_asyncio quickjs rich typer".split())
for module in pkgutil.walk_packages(fastapi_esdb.__path__, "fastapi_esdb."):
    try:
        module.name.endswith("__main__") or importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
for name in fastapi_esdb.__all__:
    getattr(fastapi_esdb, name)
print(fastapi_esdb.__file__)
"""

Answer = tuple[int, object]


def main() -> None:
    """Import everything, and with uvicorn run the app; with pytest run the README's test of it as well."""
    installed = {distribution.name: distribution.version for distribution in distributions()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app, _, tests = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
        (folder / "app.py").write_text(app)
        tried = [try_imports(folder)]
        if "uvicorn" in installed:
            tried.append(try_app(folder))
        if "pytest" in installed:
            tried.append(try_tests(folder, tests))
    print("; ".join(tried), "with", ", ".join(f"{name} {version}" for name, version in sorted(installed.items())))


def try_imports(folder: Path) -> str:
    """Import every module and every public name, from what is installed and not from the source tree."""
    home = run(folder, "-c", IMPORTS).strip()
    assert not Path(home).is_relative_to(ROOT / "fastapi_esdb"), home
    return "Imported"


def try_app(folder: Path) -> str:
    """Place an order twice, on the embedded server; then end the app as a supervisor does."""
    with served(folder) as base:
        await_connection(base)
        assert ask(f"{base}/orders/1?customer=Ada", "POST") == (200, {"customer": "Ada"})
        assert ask(f"{base}/orders/1?customer=Bob", "POST") == (200, {"customer": "Ada"})
    return "an order placed once"


def try_tests(folder: Path, tests: str) -> str:
    """Run the test that the README shows, with the fixtures of the package."""
    (folder / "conftest.py").write_text('pytest_plugins = ["fastapi_esdb.testing"]\n')
    (folder / "test_app.py").write_text(tests)
    assert "1 passed" in run(folder, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", folder, folder)
    return "the README's test passed"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The app's address while uvicorn serves it; it must end well when it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "ESDB_CONNECTION_STRING": "esdb+embedded://"}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert process.returncode in (0, -15), process.returncode  # older uvicorns leave with the signal


def await_connection(base: str) -> None:
    """Wait until the app answers that it is connected to its database."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        try:
            if ask(f"{base}/health/esdb")[0] == 200:
                return
        except URLError:
            pass  # nobody listens yet
        time.sleep(0.1)
    sys.exit("the app is not connected")


def ask(url: str, method: str = "GET") -> Answer:
    """Return the status and what the answer's JSON says."""
    try:
        with urlopen(Request(url, method=method), timeout=PATIENCE) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)


def run(folder: Path, *arguments: str | Path) -> str:
    """Return what this environment's Python prints; anything but success ends the script with it."""
    command = [sys.executable, *arguments]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return process.stdout if process.returncode == 0 else sys.exit(process.stdout + process.stderr)


if __name__ == "__main__":
    main()
