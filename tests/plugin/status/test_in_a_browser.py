"""The status page in a real browser: live and without JavaScript, by keyboard, on a phone, and as axe sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.example_app.browser import chromium
from tests.support.serving import served
from tests.support.waiting import PATIENCE, eventually

PATIENCE_MS = 1000 * PATIENCE
HOSTILE = "<script>alert(1)</script>"
PAGES = ("", "/streams", "/stream?name=cart-1", "/stream?name=$all", "/event?name=cart-1&at=0", "/stream?name=never")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shop() -> Iterator[httpx2.Client]:
    """An app with some events, one of which is a dead letter."""
    with served("tests.plugin.status.served:app", {"ESDB_CONNECTION_STRING": "esdb+embedded://"}) as client:
        append(client, "cart-1", "Opened", '{"customer": "Ada", "items": [1, 2]}')
        append(client, "cart-1", "Huge", "x" * 10_000)
        yield client


def append(shop: httpx2.Client, stream: str, kind: str, data: str = "{}") -> None:
    address = f"/events/{quote(stream, safe='')}"
    shop.post(address, params={"type": kind}, content=data.encode()).raise_for_status()


@contextmanager
def opened(browser: Browser, shop: httpx2.Client, page: str = "", **context: Any) -> Iterator[Page]:
    """A page; fails if it wrote an error to the console, such as about what its own policy forbids."""
    with browser.new_context(**context) as made:
        found = made.new_page()
        found.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        mistakes: list[str] = []
        found.on("pageerror", lambda error: mistakes.append(str(error)))
        found.on("console", lambda said: mistakes.append(said.text) if "policy" in said.text.lower() else None)
        found.on("dialog", lambda dialog: mistakes.append(f"a script of an event has run: {dialog.message}"))
        found.goto(f"{shop.base_url}/health/esdb/status{page}")
        yield found
        assert mistakes == []


def test_what_changes_is_shown_at_once(browser: Browser, shop: httpx2.Client) -> None:
    """A dead letter comes without the page being loaded again, and goes by its button, which asks first."""
    with opened(browser, shop) as page:
        expect(page.locator("#live")).to_have_text("Live")
        append(shop, "order-live", "Placed")
        row = page.get_by_role("row").filter(has_text="order-live")
        expect(row).to_contain_text("builtins.ValueError")
        row.get_by_text("Drop…").click()
        with page.expect_event("framenavigated"):
            row.get_by_role("button", name="Drop for good").click()
        expect(page.get_by_text("Dead letters that were dropped: 1.")).to_be_visible()
        expect(row).to_have_count(0)


def test_what_somebody_uses_is_left_alone(browser: Browser, shop: httpx2.Client) -> None:
    """A question that is open stays so while other things change, until it is closed."""
    with opened(browser, shop) as page:
        expect(page.locator("#live")).to_have_text("Live")
        connections = page.locator("#part-connections")
        connections.get_by_text("Close…").click()
        before = page.locator("#part-calls").inner_html()
        append(shop, "cart-2", "Opened")
        expect(page.locator("#part-calls")).not_to_have_js_property("innerHTML", before)
        expect(connections.get_by_role("button", name="Close all: calls will fail")).to_be_visible()


def test_new_events_are_followed(browser: Browser, shop: httpx2.Client) -> None:
    """Each once and in order, also those that came while the browser was offline."""
    append(shop, "cart-3", "First")
    with opened(browser, shop, "/stream?name=cart-3") as page:
        expect(page.get_by_text("Following live")).to_be_visible()
        append(shop, "cart-3", "Second")
        expect(page.locator(".event .type")).to_have_text(["Second", "First"])
        page.context.set_offline(True)
        append(shop, "cart-3", "Third", HOSTILE)
        page.context.set_offline(False)
        append(shop, "cart-3", "Fourth")
        expect(page.locator(".event .type")).to_have_text(["Fourth", "Third", "Second", "First"])
        expect(page.locator("script")).to_have_count(1)


def test_it_works_without_javascript(browser: Browser, shop: httpx2.Client) -> None:
    """By links, forms, and loading it again."""
    append(shop, "order-plain", "Placed")
    with opened(browser, shop, java_script_enabled=False) as page:
        row = page.get_by_role("row").filter(has_text="order-plain")
        eventually(lambda: page.reload() and row.count())
        row.get_by_text("Drop…").click()
        row.get_by_role("button", name="Drop for good").click()
        expect(page.get_by_text("Dead letters that were dropped: 1.")).to_be_visible()
        page.get_by_role("link", name="Streams", exact=True).click()
        page.get_by_label("Open a stream").fill("cart-1")
        page.get_by_role("button", name="Open").click()
        page.get_by_label("Jump to a revision").fill("0")
        page.get_by_label("Jump to a revision").press("Enter")
        expect(page.locator(".event .type")).to_have_text(["Opened"])
        page.get_by_role("link", name="Event 0").click()
        expect(page.get_by_text('"customer": "Ada"')).to_be_visible()


def test_it_is_used_by_keyboard(browser: Browser, shop: httpx2.Client) -> None:
    """The first key leads past the navigation; an event is opened, and looked at, without a mouse."""
    with opened(browser, shop, "/stream?name=cart-1") as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.localName") == "summary":
                break
        page.keyboard.press("Enter")
        expect(page.get_by_text("That is the beginning.")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (1300, "dark")])
def test_axe_finds_nothing_and_nothing_sticks_out(
    browser: Browser, shop: httpx2.Client, width: int, scheme: str
) -> None:
    """On any page, wide and on a phone, light and dark, with everything open that can be opened."""
    append(shop, HOSTILE + "-" + "long" * 40, HOSTILE + "Type" * 40, f'{{"{"k" * 300}": "{HOSTILE}"}}')
    with opened(browser, shop, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        for address in (*PAGES, f"/stream?name={quote(HOSTILE)}-{'long' * 40}"):
            page.goto(f"{shop.base_url}/health/esdb/status{address}")
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
            found = Axe().run(page)
            assert found.violations_count == 0, (address, found.generate_report())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_colours_of_the_system(browser: Browser, shop: httpx2.Client, scheme: str) -> None:
    """Dark on light, or light on dark."""
    with opened(browser, shop, color_scheme=scheme) as page:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        channels = [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        assert (sum(channels) > 3 * 128) is (scheme == "light")
