"""A request for one of the pages, and how these are made: templates, addresses, times and numbers for people."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fastapi_esdb.plugin.status.watch import Watch
from fastapi_esdb.plugin.status.words import Trouble

if TYPE_CHECKING:
    from fastapi_esdb.plugin.consumers.consumers import Consumers
    from fastapi_esdb.plugin.started import Started

HERE = Path(__file__).parent

FILES = {"status.css": "text/css", "status.js": "text/javascript", "icon.svg": "image/svg+xml"}


def file_of(name: str) -> bytes:
    """Return one of the files that pages load."""
    return (HERE / "static" / name).read_bytes()


@cache
def _version() -> str:
    """Return what changes with the files, so that browsers may keep them."""
    found = hashlib.sha256()
    for name in FILES:
        found.update(file_of(name))
    return found.hexdigest()[:12]


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(time=_time, moment=_moment, number=_number, size=_size)
    return made


def _time(at: datetime) -> Markup:
    """A time of day, with its date where that is not today's."""
    at = at.astimezone(UTC)
    form = "%H:%M:%S" if at.date() == datetime.now(UTC).date() else "%Y-%m-%d %H:%M:%S"
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.isoformat(timespec="milliseconds"), at.strftime("%Y-%m-%d %H:%M:%S.%f"), at.strftime(form)
    )


def _moment(at: datetime) -> str:
    """A date and a time, whole."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def _number(value: float) -> str:
    """A number with its thousands apart."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _size(count: int) -> str:
    """A number of bytes."""
    if count < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{count} B"
    return f"{count / 1000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for one of the pages; `page` is `None` for the first one."""

    request: Request
    started: Started
    name: str
    consumers: Consumers
    page: str | None

    def query(self, name: str) -> str:
        """A field of the query, empty without one."""
        return self.request.query_params.get(name, "")

    def href(self, page: str = "", **query: object) -> str:
        """The address of a page, from the one that is open: apps may be behind any prefix."""
        path = f"status/{page}" if self.page is None else page
        if not page:
            path = "status" if self.page is None else "../status"
        fields = {name: value for name, value in query.items() if value not in ("", None, False)}
        return f"{path}?{urlencode(fields)}" if fields else path

    def render(self, template: str, **context: object) -> str:
        """Fill a template."""
        return (
            _templates()
            .get_template(template)
            .render(visit=self, href=self.href, database=self.name, version=_version(), **context)
        )

    def html(self, template: str, status: int = 200, **context: object) -> Response:
        """Return a page."""
        return HTMLResponse(self.render(template, **context), status)

    def sorry(self, trouble: Trouble, **context: object) -> Response:
        """Return a page that says what is wrong."""
        return self.html("trouble.html", trouble.status, trouble=trouble, **context)

    @property
    def watch(self) -> Watch:
        """The watch over the database, which begins with the app wherever somebody may see the page."""
        return self.started.watch or Watch(self.started.pool, self.started.consumers)
