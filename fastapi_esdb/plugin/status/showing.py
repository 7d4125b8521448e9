"""Events as people read them: JSON with its lines indented, text, bytes in hexadecimal. Long ones are cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from markupsafe import Markup, escape

from fastapi_esdb.wire.errors import NoAnswer
from fastapi_esdb.wire.events.content import parsed
from fastapi_esdb.wire.events.values import RecordedEvent

LONGEST = 4_000
"""Characters of data that are shown."""
LONGEST_PREVIEW = 120
LARGEST_JSON = 100_000
"""Bytes of data that are looked at whether they are JSON; of what is longer the beginning is shown as it is."""
HEX_BYTES = 512
ROW_OF_HEX = 8

TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
BEGINS, ENDS = ("{", "["), ("}", "]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that can't be seen, or that turn the text around them."""

Kind = Literal["JSON", "text", "bytes", "nothing"]


@dataclass(frozen=True, slots=True)
class Body:
    """Data or metadata of an event: safe HTML for a `pre`, and how much of it there is."""

    kind: Kind
    html: Markup
    size: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as the page shows it.

    `at` names it in the stream that is read, and `trouble` is what can't be read of it.
    """

    at: str
    stream: str
    revision: int
    type: str
    id: str
    created: datetime | None
    position: str
    content_type: str
    preview: str
    data: Body
    metadata: Body
    link: str
    is_dead_link: bool
    trouble: str


def shown(event: RecordedEvent, *, in_all: bool) -> Shown:
    """Return an event for people. What a server has filled with nonsense is told in words."""
    trouble = ""
    try:
        kind, created, number = event.type, event.created, str(event.id)
    except NoAnswer as error:
        kind, created, number, trouble = "?", None, "?", str(error)
    position = event.original.position
    data = body(event.data)
    return Shown(
        at=str(position) if in_all else str(event.original.revision),
        stream=event.stream,
        revision=event.revision,
        type=kind,
        id=number,
        created=created,
        position="" if position is None else str(position),
        content_type=event.content_type,
        preview=preview(event.data, data.kind),
        data=data,
        metadata=body(event.metadata),
        link="" if event.link is None else f"{event.link.revision}@{event.link.stream}",
        is_dead_link=event.is_unresolved_link,
        trouble=trouble,
    )


def body(data: bytes) -> Body:
    """Return data for people: whatever it says it is, only what is JSON is shown as JSON."""
    if not data:
        return Body("nothing", Markup(), 0, False)
    text = text_of(data)
    if text is None:
        return Body("bytes", Markup.escape(hexadecimal(data[:HEX_BYTES])), len(data), len(data) > HEX_BYTES)
    if len(data) <= LARGEST_JSON and is_json(data):
        html, is_cut = indented(text)
        return Body("JSON", html, len(data), is_cut)
    return Body("text", escape(visible(text[:LONGEST])), len(data), len(text) > LONGEST)


def text_of(data: bytes) -> str | None:
    """Return data as a text, if it is one."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def is_json(data: bytes) -> bool:
    """Return whether data is JSON."""
    try:
        parsed(data)
    except ValueError:
        return False
    return True


def preview(data: bytes, kind: Kind) -> str:
    """Return the beginning of data in a line."""
    if kind in ("nothing", "bytes"):
        return "no data" if kind == "nothing" else f"{len(data)} bytes"
    line = visible(
        " ".join((text_of(data[: 4 * LONGEST_PREVIEW]) or data[:LONGEST_PREVIEW].decode(errors="ignore")).split())
    )
    return line if len(line) <= LONGEST_PREVIEW else line[: LONGEST_PREVIEW - 1] + "…"


def visible(text: str) -> str:
    """Return a text with what can't be seen in it as escapes."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def indented(text: str) -> tuple[Markup, bool]:
    """Return JSON with a line for each member, as far as there is room, and whether it was cut.

    Numbers and texts stay as they were written.
    """
    parts: list[str] = []
    room = LONGEST
    for piece, kind in _pieces(text):
        parts.append(_marked(piece[:room], kind))
        room -= len(piece)
        if room < 0:
            break
    return Markup("".join(parts)), room < 0  # noqa: S704 - each part is escaped


def _marked(piece: str, kind: str) -> str:
    escaped = str(escape(visible(piece)))
    return f'<span class="{kind}">{escaped}</span>' if kind and piece else escaped


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield the text in pieces, with their classes: keys, texts, other values, and what stands between them."""
    words = TOKENS.findall(text)
    depth = 0
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in BEGINS:
            depth += 1
            yield word, ""
            if following not in ENDS:
                yield _new_line(depth), ""
        elif word in ENDS:
            depth -= 1
            yield word, ""
        elif word == ",":
            yield "," + _new_line(depth), ""
        elif word == ":":
            yield ": ", ""
        else:
            yield word, "key" if following == ":" else "string" if word.startswith('"') else "value"
        if following in ENDS and word not in BEGINS:
            yield _new_line(depth - 1), ""


def _new_line(depth: int) -> str:
    return "\n" + "  " * depth


def hexadecimal(data: bytes) -> str:
    """Return bytes as numbers and, where they are, letters."""
    rows = []
    for start in range(0, len(data), ROW_OF_HEX):
        row = data[start : start + ROW_OF_HEX]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)  # noqa: PLR2004 - printable ASCII
        rows.append(f"{start:06x}  {row.hex(' '):<{3 * ROW_OF_HEX}} {letters}")
    return "\n".join(rows)
