"""The pictures of the status page: `python docs/screenshots.py` takes them anew, of an app that is busy for a minute.

It needs a Chromium that is installed.
"""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Literal

from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from fastapi_esdb import END, Connection, Esdb, NetworkError, NewEvent, RecordedEvent
from fastapi_esdb.consumers import Park, category
from fastapi_esdb.plugin.status import watch
from fastapi_esdb.testing.live import LiveServer

IMAGES = Path(__file__).parent / "images"
BUSY = 60
"""Seconds until the pictures are taken."""
WIDE = 1300
MARGIN = 16
NAMES = ("Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Hedy Lamarr", "Emmy Noether", "Mary Somerville")


FULL = 60
"""The number of the first order whose customer never reads any mail."""


class MailboxFull(Exception):
    """A mail can't be delivered."""

    __module__ = "shop"


async def anybody() -> None:
    """Let the browser in."""


esdb = Esdb(name="shop", embedded=True, control=anybody)


@esdb.consumer("mailer", category("order"), on_error={MailboxFull: Park})
async def mail(event: RecordedEvent) -> None:
    """Take a while for each, so that there is a lag."""
    await asyncio.sleep(0.11)
    if event.json().get("number", 0) % 97 == FULL:
        raise MailboxFull(f"552 the mailbox of {event.json()['customer']} is full")


@esdb.consumer("orders-view", category("order"))
async def view(event: RecordedEvent) -> None:
    """Be fast."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Have customers come in waves."""
    shopping = asyncio.create_task(shop(esdb.connection_of(app)))
    yield
    shopping.cancel()
    with suppress(asyncio.CancelledError):
        await shopping


app = FastAPI(lifespan=esdb.lifespan(lifespan))
app.include_router(esdb.router)


async def shop(connection: Connection) -> None:
    """Place orders, some at a time; the connections are closed for a moment meanwhile."""
    await connection.projections.enable("$by_category")
    await connection.persistent_subscriptions.create("$all", "packers", start=END)
    number = 0
    for second in range(2 * BUSY):
        if second == BUSY // 2:
            await connection.close()
            await asyncio.sleep(3)
            await connection.connect()
        for _ in range(round(5 + 5 * math.sin(second / 6))):
            with suppress(NetworkError):
                await connection.append(f"order-{1000 + number}", order(number))
                await connection.append(f"order-{1000 + number}", NewEvent("OrderPaid", {"cents": 1800}))
            number += 1
        await asyncio.sleep(1)


def order(number: int) -> NewEvent:
    """Return an order that somebody places."""
    items = [{"name": "Stoneware cup", "quantity": 1 + number % 3, "price": 18.0}]
    return NewEvent(
        "OrderPlaced",
        {"number": number, "customer": NAMES[number % len(NAMES)], "items": items},
        metadata={"$correlationId": f"basket-{number}"},
    )


@dataclass(frozen=True)
class Picture:
    """A part of a page: from one of its elements to the end of another one."""

    name: str
    page: str = ""
    width: int = WIDE
    scheme: Literal["light", "dark"] = "light"
    first: str = "header"
    last: str = "#part-consumers"

    def take(self, browser: Browser, status: str) -> None:
        """Write it to its file."""
        with browser.new_context(viewport={"width": self.width, "height": 900}, color_scheme=self.scheme) as context:
            page = context.new_page()
            page.goto(f"{status}{self.page}")
            page.locator("#live, #following").filter(has_text="ive").wait_for()
            for summary in page.locator(".event summary").all():
                summary.click()
            top = max(page.locator(self.first).evaluate("each => each.getBoundingClientRect().top") - MARGIN, 0)
            bottom = page.locator(self.last).evaluate("each => each.getBoundingClientRect().bottom") + MARGIN
            clip = {"x": 0.0, "y": top, "width": float(self.width), "height": bottom - top}
            page.screenshot(path=IMAGES / self.name, full_page=True, clip=clip)  # type: ignore[arg-type]  # a TypedDict


PICTURES = (
    Picture("status-light.png"),
    Picture("status-dark.png", scheme="dark"),
    Picture("status-letters.png", first="#part-letters", last="#part-cluster"),
    Picture("status-stream.png", page="/stream?name=order-1060", last="main > section"),
    Picture("status-phone.png", width=375, scheme="dark", last="#part-connections"),
)


def main() -> None:
    """Take all of them."""
    watch.EVERY = 1.0
    server = LiveServer(app).start()
    status = f"{server.url}/health/esdb/shop/status"
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        sleep(BUSY)
        for picture in PICTURES:
            picture.take(browser, status)
        browser.close()
    server.stop()


if __name__ == "__main__":
    main()
