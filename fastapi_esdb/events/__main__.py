"""Writes the schemas of event types: `python -m fastapi_esdb.events shop.events:events -o schemas.json`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.events.schema import committed_in

FAILED = 2
INCOMPATIBLE = 1


def main(arguments: Sequence[str] | None = None, program: str = "python -m fastapi_esdb.events") -> int:
    """Write the schemas, or compare them; return the exit status."""
    options = _parser(program).parse_args(arguments)
    try:
        types = find_types(options.types)
        if options.check:
            return _compared(types, options.check)
        text = _text(types)
        if options.output:
            options.output.write_text(text, encoding="utf-8")
        else:
            print(text, end="")  # noqa: T201
    except (ImportError, AttributeError, TypeError, OSError, ValueError) as error:
        print(f"{program.removeprefix('python -m ')}: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Prints the JSON schemas of an app's event types, or writes them to a file.",
    )
    parser.add_argument("types", metavar="module:name", help="the EventTypes, shop.events:events for example")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write them")
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="write nothing; exit with 1 if what FILE has can't be read any more"
    )
    return parser


def find_types(where: str) -> EventTypes[object]:
    """Return the event types at `module:name`, where the module may lie in the working directory.

    Raises what the import raises, AttributeError and TypeError.
    """
    if "" not in sys.path:
        sys.path.insert(0, "")  # the scripts that pip installs do not look there
    module, _, name = where.partition(":")
    found: object = getattr(import_module(module), name or "events")
    if not isinstance(found, EventTypes):
        raise TypeError(f"{where} is no EventTypes, but a {type(found).__name__}")
    return found


def _text(types: EventTypes[object]) -> str:
    return json.dumps(types.json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _compared(types: EventTypes[object], path: Path) -> int:
    faults = types.broken_since(committed_in(path))
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201
    return INCOMPATIBLE if faults else 0


if __name__ == "__main__":
    sys.exit(main())
