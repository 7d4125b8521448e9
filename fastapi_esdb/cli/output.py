"""The output of commands: tables for people on a terminal, JSON lines for a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.json import JSON
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fastapi_esdb.wire.events.values import RecordedEvent

_EVENT = TypeAdapter(RecordedEvent)

CONTROL = dict.fromkeys((*range(32), *range(127, 160)))
"""Characters that names and data must not bring to a terminal."""

errors = Console(stderr=True, highlight=False, soft_wrap=True)


def is_for_people() -> bool:
    """Return whether somebody looks at the output, rather than a program."""
    return sys.stdout.isatty()


def plain(text: object) -> str:
    """Return a text without characters that would do something to a terminal."""
    return str(text).translate(CONTROL)


def line(values: Mapping[str, Any]) -> None:
    """Write a line of JSON."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False, default=to_jsonable_python) + "\n")
    sys.stdout.flush()


def rows(columns: Iterable[str], found: Iterable[Mapping[str, Any]], *, none: str) -> None:
    """Write rows as a table, or as a line of JSON each; for people `none` if there are none."""
    names = list(columns)
    if not is_for_people():
        for row in found:
            line(row)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in found:
        table.add_row(*(escape(plain(_shown(row.get(name)))) for name in names))
    Console(highlight=False).print(table if table.row_count else none)


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return "" if value is None else value


def event(recorded: RecordedEvent) -> None:
    """Write an event: its envelope in a line and its data below, or all as a line of JSON."""
    form: dict[str, Any] = _EVENT.dump_python(recorded, mode="json")
    if not is_for_people():
        line(form)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        Text.assemble(
            (f"{recorded.revision}@{plain(recorded.stream)}", "bold cyan"),
            " ",
            (plain(recorded.type), "bold"),
            (f"  {recorded.created.isoformat(' ', 'milliseconds')}  {recorded.position or ''}", "dim"),
        )
    )
    console.print(_data(form["data"]))
    if form["metadata"]:
        console.print(Text("metadata ", style="dim"), _data(form["metadata"]))


def _data(value: Any) -> JSON | Text:
    """Return data nicely; what is a text alone stands for bytes that are no JSON."""
    return Text(plain(value)) if isinstance(value, str) else JSON(plain(json.dumps(value, ensure_ascii=False)))


def step(text: str, *, ok: bool) -> None:
    """Write how a step went, for people."""
    mark = "[green]✓[/green]" if ok else "[red]✗[/red]"
    Console(highlight=False).print(f"{mark} {escape(plain(text))}")


def complain(text: str) -> None:
    """Write what is wrong to the other output."""
    errors.print(f"[red]fastapi-esdb:[/red] {escape(plain(text))}")


def tell(text: str) -> None:
    """Write what is done to the other output, for people."""
    errors.print(escape(plain(text)))
