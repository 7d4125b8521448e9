"""Try a wheel in fresh environments, with the lowest and the newest versions of all that it needs.

python release/try_wheel.py FOLDER WHEEL    FOLDER takes the environments, and has uv in its bin
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXTRAS = ["server", "testing", "projections", "cli", "tls", "status", "telemetry"]
"""All that users install; the other extras are for work on the package."""


def main(folder: Path, wheel: Path) -> None:
    """Try the wheel with nothing but what it requires, and then with what users add to it."""
    for name, extras in {"alone": [], "server": ["server"], "everything": EXTRAS}.items():
        lowest = folder / f"{name}.txt"
        options = [option for extra in extras for option in ("--extra", extra)]
        uv(
            folder,
            "pip",
            "compile",
            "--resolution",
            "lowest-direct",
            *options,
            "--output-file",
            lowest,
            "pyproject.toml",
        )
        requirement = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
        attempt(folder, f"{name}-lowest", requirement, "--constraint", str(lowest))
        attempt(folder, f"{name}-newest", requirement, "--resolution", "highest")


def attempt(folder: Path, name: str, *arguments: str) -> None:
    """Install it in an environment of its own, and see what it does there."""
    python = (folder / name / "bin" / "python").absolute()
    uv(folder, "venv", folder / name)
    uv(folder, "pip", "install", "--python", python, *arguments)
    print(f"\n{name}:", flush=True)
    subprocess.run([python, "-P", ROOT / "release" / "smoke.py"], check=True, cwd=folder)


def uv(folder: Path, *arguments: str | Path) -> None:
    """Run uv in the project, and say what it does only where it fails."""
    environment = {**os.environ, "UV_PYTHON": sys.executable}
    subprocess.run([folder / "bin" / "uv", "--quiet", *arguments], check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
