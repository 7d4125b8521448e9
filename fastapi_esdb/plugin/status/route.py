"""Where the status page is, and who may see it. What makes the page is loaded when it is asked for the first time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from fastapi_esdb.plugin.control import form_guard, page_guard, route_for_other_methods
from fastapi_esdb.plugin.started import find_for

if TYPE_CHECKING:
    from fastapi_esdb.plugin.consumers.consumers import Consumers
    from fastapi_esdb.plugin.started import Started

STATUS = "/status"
PAGES = STATUS + "/{page:path}"

LACKING = "the status page needs jinja2, which is not installed: pip install 'fastapi-esdb[status]'"


def add_status(router: APIRouter, name: str, control: Callable[..., Any] | None, consumers: Consumers) -> None:
    """Add the page and what it leads to, each behind the guard of the control routes."""

    async def show(request: Request, page: str | None = None) -> Response:
        """The page, or one of those behind it; `None` is the first one."""
        try:
            from fastapi_esdb.plugin.status.site import answer  # noqa: PLC0415 - jinja2 is not for everybody
        except ModuleNotFoundError as error:
            if error.name not in ("jinja2", "markupsafe"):
                raise
            raise HTTPException(501, LACKING) from error
        return await answer(request, find_for(request, name), name, consumers, page)

    guards = {"GET": page_guard(name, control), "HEAD": page_guard(name, control), "POST": form_guard(name, control)}
    for path, methods in ((STATUS, ("GET", "HEAD")), (PAGES, ("GET", "HEAD", "POST"))):
        for method in methods:
            router.add_api_route(
                path,
                show,
                methods=[method],
                response_model=None,
                dependencies=[Depends(guard) for guard in guards[method]],
                include_in_schema=False,
            )
        others = route_for_other_methods(router.prefix + path, name, control, ", ".join(methods))
        router.routes.append(others)


def watched(started: Started, is_guarded: bool) -> AbstractAsyncContextManager[None]:
    """Have what the page draws be kept meanwhile, where somebody may see the page."""
    if not is_guarded or started.watch is not None:
        return nullcontext()
    from fastapi_esdb.plugin.status.watch import Watch  # noqa: PLC0415 - most apps have no page

    started.watch = Watch(started.pool, started.consumers)
    return started.watch.running()


def is_page(path: str) -> bool:
    """Return whether the path of a route is the page's: it is for people, and stays out of OpenAPI."""
    return path.endswith((STATUS, PAGES))
