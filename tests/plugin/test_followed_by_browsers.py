"""A real Chromium that follows events while its network, the app and the database fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from playwright.async_api import Page

from fastapi_esdb import NO_STREAM, Connection, EsdbError, NewEvent, connect, filters
from fastapi_esdb.embedded import EmbeddedServer
from tests.example_app.browser import async_chromium
from tests.support.processes import ServerProcess, address, embedded, settings_for
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, answered, until

APP = "tests.plugin.followed_app:app"
TOKEN = "open-sesame"
MORE = 12
"""Events that are written while something is away: more than the app has at hand."""

SOON = 10.0
"""Seconds that the app may take to stop: a fraction of one by itself, for ever where it waits for its browsers."""


class Writer:
    """Writes one event after the other, each once, whatever happens to the database."""

    def __init__(self, esdb: Connection) -> None:
        self.written = 0
        self._esdb = esdb

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._write(NewEvent("Counted", {"n": self.written}))
            self.written += 1
            await asyncio.sleep(0.01)  # others are to have something to do at the same time

    async def _write(self, event: NewEvent) -> None:
        while True:
            with suppress(EsdbError):
                await self._esdb.append("s", event, expected=self.written - 1 if self.written else NO_STREAM)
                return
            await self._esdb.wait_connected(PATIENCE)

    async def writes_on(self) -> None:
        """Return when some more are written."""
        number = self.written + MORE
        await until(lambda: self.written >= number)


@dataclass
class Scene:
    """A browser before the network, the app behind it, and the database of the app, which is written to."""

    page: Page
    network: FaultProxy
    app: ServerProcess
    database: ServerProcess
    writer: Writer

    async def shows_all(self) -> None:
        """Return when the page shows in all three ways what has been written until now."""
        whole = "count => Object.values(shown).every(list => list.length >= count)"
        await self.page.wait_for_function(whole, arg=self.writer.written)

    async def is_refused(self, during: Callable[[], Awaitable[object]]) -> None:
        """Have the browser come back to an app that has no connection to its database."""
        async with self.page.expect_response(lambda response: response.status == 503):
            await during()

    async def command(self, what: str) -> None:
        """Send a command of an operator to the app."""
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.app.port}", timeout=PATIENCE) as client:
            answer = await client.post(f"/health/esdb/{what}", headers={"X-ESDB-Control": TOKEN})
            answer.raise_for_status()


@asynccontextmanager
async def opened(port: int) -> AsyncIterator[Page]:
    async with async_chromium() as browser:
        page = await browser.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        await page.goto(f"http://127.0.0.1:{port}/")
        yield page


@asynccontextmanager
async def writing(esdb: Connection) -> AsyncIterator[Writer]:
    writer = Writer(esdb)
    task = asyncio.create_task(writer.run())
    try:
        await writer.writes_on()
        yield writer
    finally:
        task.cancel()
        await asyncio.wait([task])


async def lose_the_network(scene: Scene) -> None:
    """Open connections are cut, then nothing answers for a while."""
    await scene.network.reset()
    await scene.shows_all()
    await scene.network.stop()
    await scene.writer.writes_on()
    await scene.network.start()


async def lose_what_is_on_its_way(scene: Scene) -> None:
    """What was sent does not arrive, and then the connection is gone."""
    scene.network.blackhole()
    await scene.writer.writes_on()
    await scene.network.reset()
    scene.network.heal()


async def go_offline(scene: Scene) -> None:
    """The browser itself knows that it has no network."""
    await scene.page.context.set_offline(True)
    await scene.network.reset()
    await scene.writer.writes_on()
    await scene.page.context.set_offline(False)


async def kill_the_app(scene: Scene) -> None:
    await scene.app.kill()
    await scene.writer.writes_on()
    await scene.app.start()


async def kill_the_database(scene: Scene) -> None:
    await scene.database.kill()
    await scene.database.start()
    await scene.writer.writes_on()


async def kill_both(scene: Scene) -> None:
    """The app is there first: who comes back meanwhile is refused, and has to come once more."""
    await scene.app.kill()
    await scene.writer.writes_on()
    await scene.database.kill()
    await scene.is_refused(scene.app.start)
    await scene.database.start()


async def close_by_command(scene: Scene) -> None:
    await scene.is_refused(lambda: scene.command("close"))
    await scene.writer.writes_on()
    await scene.command("connect")


FAULTS = (
    *(lose_the_network, lose_what_is_on_its_way, go_offline),
    *(kill_the_app, kill_the_database, kill_both, close_by_command),
)


async def test_every_event_is_shown_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By server-sent events, of a stream and of all streams, and by a WebSocket, while everything is lost in turn."""
    monkeypatch.setenv("ESDB_CONTROL_TOKEN", TOKEN)
    async with embedded("--data", str(tmp_path / "events.db")) as database:
        monkeypatch.setenv("ESDB_CONNECTION_STRING", address(database.port))
        async with (
            connect(settings_for(database.port)) as esdb,
            ServerProcess("uvicorn", APP, "--log-level", "error") as app,
            FaultProxy(app.port) as network,
            opened(network.port) as page,
            writing(esdb) as writer,
        ):
            scene = Scene(page, network, app, database, writer)
            for fault in FAULTS:
                await scene.shows_all()
                await fault(scene)
            await scene.shows_all()
            shown = await page.evaluate("shown")
            stored = [event async for event in esdb.read_all(filter=filters.by_stream("s"))]
    places = {"stream": [str(event.revision) for event in stored], "all": [str(event.position) for event in stored]}
    for way, events in shown.items():
        expected = places["all" if way == "all" else "stream"]
        assert events == [[place, n] for n, place in enumerate(expected[: len(events)])], way


async def test_a_browser_that_leaves_frees_its_place_and_holds_up_no_stop(esdb_server: EmbeddedServer) -> None:
    """The calls end with the last page, and an app that is asked to stop sends those who stay away."""
    async with ServerProcess("uvicorn", APP, "--log-level", "error") as app, opened(app.port) as page:
        await answered(lambda: sources(app), lambda count: count == 2)
        await page.goto("about:blank")
        await answered(lambda: sources(app), lambda count: count == 0)
        await until(lambda: not esdb_server.open_calls)
        await page.go_back()
        await answered(lambda: sources(app), lambda count: count == 2)
        began = monotonic()
        await app.stop()
        assert monotonic() - began < SOON


async def sources(app: ServerProcess) -> int:
    """How many sources the app follows for its browsers."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{app.port}", timeout=PATIENCE) as client:
        count: int = (await client.get("/sources")).json()
        return count
