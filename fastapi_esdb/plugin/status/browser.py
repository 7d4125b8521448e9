"""The browser of streams: lists them, pages through their events, shows one, and follows new ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import Response
from fastapi.responses import RedirectResponse
from fastapi.sse import ServerSentEvent

from fastapi_esdb.consumers.sources import CatchUpSource
from fastapi_esdb.plugin.event_stream import EventStream
from fastapi_esdb.plugin.status import browsing
from fastapi_esdb.plugin.status.browsing import Place, Unfinished, Wanted
from fastapi_esdb.plugin.status.showing import shown, text_of
from fastapi_esdb.plugin.status.visit import Visit
from fastapi_esdb.plugin.status.words import DELETED, Trouble, trouble_of
from fastapi_esdb.wire.errors import InvalidArgument, StreamNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, Position
from fastapi_esdb.wire.streams.values import ALL

SOFT_DELETED = 2**63 - 1
"""`$tb` of a stream that is deleted and may be written to again (protocol 2.4)."""

NOTHING = Trouble(404, "There is no such event", "It may have expired, or been deleted, or it was never written.")
DEAD_LINK = Trouble(404, "This link leads nowhere", "The event that it points at is deleted, or was never there.")


async def list_streams(visit: Visit) -> Response:
    """The streams that were written to last, all or those of a category."""
    category, system = visit.query("category").strip(), bool(visit.query("system"))
    before = Position.parse(visit.query("before")) if visit.query("before") else None
    listing = await browsing.streams(visit.started.connection, category, before, system=system)
    rows = [shown(event, in_all=True) for event in listing.streams]
    return visit.html("streams.html", listing=listing, rows=rows, category=category, system=system)


async def show_stream(visit: Visit) -> Response:
    """A page of a stream's events, the newest first."""
    stream = visit.query("name")
    if not stream:
        return RedirectResponse("streams", 303)
    try:
        wanted = await _wanted(visit, stream)
        if isinstance(wanted, Unfinished):
            return visit.html("unfinished.html", stream=stream, search=wanted)
        page = await browsing.page(visit.started.connection, wanted)
    except StreamNotFound as error:
        return visit.sorry(await _missing(visit, stream) or trouble_of(error), stream=stream)
    if wanted.after is not None and not page.events:
        return RedirectResponse(visit.href("stream", name=stream, type=wanted.type, category=wanted.category), 303)
    is_newest = wanted.before is wanted.after is wanted.until is None
    events = [shown(event, in_all=wanted.in_all) for event in page.events]
    return visit.html("stream.html", wanted=wanted, page=page, events=events, is_newest=is_newest)


async def _wanted(visit: Visit, stream: str) -> Wanted | Unfinished:
    """Read from the query what of a stream is asked for, or how far the search for it has come.

    Raises `InvalidArgument`.
    """
    query, places = visit.query, dict[str, Place]()
    for name in ("before", "after", "until"):
        if text := query(name).strip():
            places[name] = browsing.place_of(text, stream)
    if query("time").strip() and not places:
        begin = Position.parse(query("begin")) if query("begin") else None
        found = await browsing.place_at(visit.started.connection, stream, _time_of(query("time").strip()), begin)
        if isinstance(found, Unfinished):
            return found
        if found is None:
            raise InvalidArgument("nothing that is still stored was written at that time or before")
        places["until"] = found
    return Wanted(stream, query("type").strip(), query("category").strip() if stream == ALL else "", **places)


def _time_of(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidArgument(f"a time is like 2026-11-30T12:00:00, in UTC, and {text[:40]!r} is none") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def _missing(visit: Visit, stream: str) -> Trouble | None:
    """Return what is known of a stream that the server does not find."""
    metadata = await visit.started.connection.get_metadata(stream, timeout=browsing.TIMEOUT)
    return DELETED if metadata.truncate_before == SOFT_DELETED else None


async def show_event(visit: Visit) -> Response:
    """One event, whole as far as that is readable."""
    stream, event = await _event(visit)
    if event is None:
        return visit.sorry(NOTHING, stream=stream)
    if event.is_unresolved_link:
        return visit.sorry(DEAD_LINK, stream=stream, link=shown(event, in_all=False))
    return visit.html("event.html", stream=stream, event=shown(event, in_all=stream == ALL))


async def give_data(visit: Visit) -> Response:
    """The data of an event, or its metadata, as they are stored; never as something that a browser would run."""
    stream, event = await _event(visit)
    if event is None:
        return visit.sorry(NOTHING, stream=stream)
    data = event.metadata if visit.query("of") == "metadata" else event.data
    if text_of(data) is not None:
        return Response(data, media_type="text/plain")
    name = {"Content-Disposition": f'attachment; filename="event-{event.revision}.bin"'}
    return Response(data, media_type="application/octet-stream", headers=name)


async def _event(visit: Visit) -> tuple[str, RecordedEvent | None]:
    stream = visit.query("name") or ALL
    place = browsing.place_of(visit.query("at"), stream)
    esdb = visit.started.connection
    read = esdb.read(stream, start=place, limit=1, resolve_links=stream != ALL, timeout=browsing.TIMEOUT)
    try:
        found = await read.to_list()
    except StreamNotFound:
        return stream, None
    exact = [event for event in found if browsing.place_in(event, Wanted(stream)) == place]
    return stream, exact[0] if exact else None


async def follow(visit: Visit) -> Response:
    """New events of a stream, each as the row of a list, from after a place on."""
    stream = visit.query("name") or ALL
    wanted = Wanted(stream, visit.query("type"), visit.query("category") if stream == ALL else "")
    seen = visit.request.headers.get("last-event-id") or visit.query("after")
    after = browsing.place_of(seen, stream) if seen else END
    # rows are for the page of the stream, whose addresses they have
    rows = Visit(visit.request, visit.started, visit.name, visit.consumers, "stream")

    def encode(event: RecordedEvent) -> ServerSentEvent | None:
        if not (wanted.in_all or wanted.lets_through(event)):
            return None
        row = rows.render("row.html", wanted=wanted, event=shown(event, in_all=wanted.in_all))
        return ServerSentEvent(event="row", raw_data=row)

    source = CatchUpSource(stream, wanted.filter, resolve_links=not wanted.in_all)
    return await EventStream.of(source.follow(visit.started.of_requests, after), encode)


PAGES: dict[str, Callable[[Visit], Awaitable[Response]]] = {
    "streams": list_streams,
    "stream": show_stream,
    "event": show_event,
    "data": give_data,
    "follow": follow,
}
