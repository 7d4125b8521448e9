"""The pages behind `/status`: which address leads where, and what all answers have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from fastapi_esdb.plugin.event_stream import EventStream
from fastapi_esdb.plugin.status import browser, commands, overview
from fastapi_esdb.plugin.status.live import Changes
from fastapi_esdb.plugin.status.visit import FILES, Visit, file_of
from fastapi_esdb.plugin.status.words import NO_PAGE, NOT_STARTED, trouble_of
from fastapi_esdb.wire.errors import EsdbError

if TYPE_CHECKING:
    from fastapi_esdb.plugin.consumers.consumers import Consumers
    from fastapi_esdb.plugin.started import Started

SAFETY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of all answers: nothing comes from elsewhere, and no other page may show them or read them."""


async def answer(
    request: Request, started: Started | None, name: str, consumers: Consumers, page: str | None
) -> Response:
    """Answer a request that the guard has let through."""
    if page in FILES:
        response = _file(page, "v" in request.query_params)
    elif started is None:
        response = Response(f"{NOT_STARTED.title}. {NOT_STARTED.text}", NOT_STARTED.status, media_type="text/plain")
    else:
        response = await _answer(Visit(request, started, name, consumers, page))
    for header, value in SAFETY.items():
        response.headers.setdefault(header, value)
    return response


async def _answer(visit: Visit) -> Response:
    method = visit.request.method
    handle = PAGES.get((method, visit.page)) or HEADS.get((method, visit.page))
    if handle is None:
        return visit.sorry(NO_PAGE)
    try:
        return await handle(visit)
    except EsdbError as error:
        return visit.sorry(trouble_of(error))


def _file(name: str, has_version: bool) -> Response:
    kept = "private, max-age=31536000, immutable" if has_version else "no-cache"
    return Response(file_of(name), media_type=FILES[name], headers={"Cache-Control": kept})


async def _overview(visit: Visit) -> Response:
    parts = await _parts(visit)
    done = visit.query("done")
    count = visit.query("count")
    said = commands.DONE[done].format(count=count if count.isdigit() else "0") if done in commands.DONE else ""
    return visit.html("overview.html", parts=parts, said=said)


async def _parts(visit: Visit) -> Mapping[str, Markup]:
    facts = await overview.facts(visit.started, visit.watch, visit.consumers)
    return {name: Markup(visit.render(f"parts/{name}.html", **facts)) for name in overview.SECTIONS}  # noqa: S704


async def _live(visit: Visit) -> Response:
    # the parts are for the first page, whose addresses they have
    first = Visit(visit.request, visit.started, visit.name, visit.consumers, None)
    changes = Changes(lambda: _parts(first))
    return await EventStream.of(visit.started.stop.ends(changes), retry=2.0)


async def _do(visit: Visit) -> Response:
    told = await commands.obey(await commands.form_of(visit.request), visit.started, visit.consumers)
    visit.watch.recently.forget()
    return RedirectResponse(visit.href("", **told), 303)


async def _found(address: str) -> Response:
    return RedirectResponse(address, 307)


Handle = Callable[[Visit], Awaitable[Response]]

PAGES: dict[tuple[str, str | None], Handle] = {
    ("GET", None): _overview,
    ("GET", ""): lambda visit: _found(visit.href()),
    ("GET", "live"): _live,
    ("POST", "do"): _do,
    **{("GET", name): handle for name, handle in browser.PAGES.items()},
}

ENDLESS = ("live", "follow")
HEADS = {("HEAD", page): handle for (method, page), handle in PAGES.items() if method == "GET" and page not in ENDLESS}
"""Without their bodies, which a server leaves out; answers without an end have none to leave out."""
