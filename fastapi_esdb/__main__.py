"""Runs the command line: `python -m fastapi_esdb`, and `fastapi-esdb`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_MISSING = 'fastapi-esdb: the command line needs typer and rich: pip install "fastapi-esdb[cli]"'


def main() -> int:
    """Run a command; return the exit status."""
    if not (find_spec("typer") and find_spec("rich")):
        print(_MISSING, file=sys.stderr)  # noqa: T201
        return 2
    from fastapi_esdb.cli.app import run  # noqa: PLC0415 - only with the extra

    return run()


if __name__ == "__main__":
    sys.exit(main())
