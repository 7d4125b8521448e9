"""The shop's page, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.example_app.browser import chromium
from tests.example_app.conftest import AUTHORIZED
from tests.support.waiting import PATIENCE

PATIENCE_MS = 1000 * PATIENCE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, shop: httpx2.Client) -> Iterator[Page]:
    """The page, open and following; fails if it wrote an error to the console."""
    with browser.new_context() as context:
        page = context.new_page()
        mistakes: list[str] = []
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        yield opened(page, shop)
        assert mistakes == []


def opened(page: Page, shop: httpx2.Client) -> Page:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(str(shop.base_url))
    expect(page.get_by_text("Following live")).to_be_visible()
    return page


def place(page: Page, customer: str) -> None:
    page.get_by_label("Customer").fill(customer)
    page.get_by_label("Stoneware cup").fill("2")
    page.get_by_role("button", name="Place the order").click()


def card(page: Page, customer: str) -> Locator:
    return page.locator(".order").filter(has_text=customer)


def test_an_order_placed_in_one_page_appears_in_another(page: Page, shop: httpx2.Client) -> None:
    """Both see the order, its total and every change, without being loaded again."""
    other = opened(page.context.new_page(), shop)
    expect(other.get_by_text("No orders yet")).to_be_visible()
    place(page, "Ada")
    expect(card(page, "Ada")).to_contain_text("€50.50")
    expect(card(other, "Ada")).to_contain_text("placed")
    expect(other.locator("#happened")).to_contain_text("OrderPlaced")
    card(other, "Ada").get_by_role("button", name="Pay").click()
    expect(card(page, "Ada")).to_contain_text("paid")


def test_the_form_is_as_new_for_the_next_order(page: Page) -> None:
    """What was ordered is gone from it, and a first choice is there again."""
    place(page, "Ada")
    expect(card(page, "Ada")).to_be_visible()
    expect(page.get_by_label("Customer")).to_have_value("")
    expect(page.get_by_label("Espresso beans")).to_have_value("1")
    expect(page.get_by_label("Stoneware cup")).to_have_value("0")


def test_an_order_goes_its_way_by_the_buttons(page: Page) -> None:
    """Pay, then ship; what an order does not allow has no button."""
    place(page, "Ada")
    card(page, "Ada").get_by_role("button", name="Pay").click()
    card(page, "Ada").get_by_role("button", name="Ship").click()
    expect(card(page, "Ada").locator(".status")).to_have_text("shipped")
    expect(card(page, "Ada").get_by_role("button")).to_have_count(0)


def test_an_order_is_cancelled(page: Page) -> None:
    """A cancelled order stays in the list, marked as such."""
    place(page, "Ada")
    card(page, "Ada").get_by_role("button", name="Cancel").click()
    expect(card(page, "Ada").locator(".status")).to_have_text("cancelled")


def test_orders_are_there_after_loading_the_page_again(page: Page) -> None:
    """The page begins with the list and follows from there."""
    place(page, "Ada")
    expect(card(page, "Ada")).to_be_visible()
    expect(page.locator("#view")).to_have_text("1 order, up to date")
    page.reload()
    expect(card(page, "Ada")).to_have_count(1)


def test_what_has_happened_before_is_shown(page: Page) -> None:
    """Until something has, the page says so; what has is there when the page is loaded again, once each."""
    expect(page.locator("#nothing")).to_contain_text("Nothing yet")
    place(page, "Ada")
    card(page, "Ada").get_by_role("button", name="Pay").click()
    expect(page.locator("#happened li strong")).to_have_text(["OrderPaid", "OrderPlaced"])
    page.reload()
    expect(page.locator("#happened li strong")).to_have_text(["OrderPaid", "OrderPlaced"])
    expect(page.locator("#nothing")).to_be_hidden()
    card(page, "Ada").get_by_role("button", name="Ship").click()
    expect(page.locator("#happened li strong")).to_have_text(["OrderShipped", "OrderPaid", "OrderPlaced"])


def test_a_conflict_is_told_in_words(page: Page, shop: httpx2.Client, browser: Browser) -> None:
    """Who acts on an order that has changed behind their back is told so, and sees it as it is."""
    place(page, "Ada")
    expect(card(page, "Ada")).to_be_visible()
    with browser.new_context() as context:
        stale = context.new_page()
        stale.route("**/live*", lambda route: route.abort())
        stale.goto(str(shop.base_url))
        expect(card(stale, "Ada")).to_contain_text("placed")
        card(page, "Ada").get_by_role("button", name="Pay").click()
        expect(card(page, "Ada")).to_contain_text("paid")
        card(stale, "Ada").get_by_role("button", name="Cancel").click()
        expect(stale.get_by_role("alert")).to_contain_text("Somebody changed this order in the meantime")
        expect(card(stale, "Ada")).to_contain_text("paid")


def test_the_badge_follows_the_connection(page: Page, shop: httpx2.Client) -> None:
    """Closed turns it, connected turns it back, and a command in between is answered in words."""
    badge = page.locator("#health")
    expect(badge).to_have_text("EventStoreDB: Connected")
    shop.post("/health/esdb/close", headers=AUTHORIZED).raise_for_status()
    expect(badge).to_have_text("EventStoreDB: Closed")
    expect(badge).to_have_class(re.compile("bad"))
    place(page, "Ada")
    expect(page.get_by_role("alert")).to_contain_text("EventStoreDB is not available")
    shop.post("/health/esdb/connect", headers=AUTHORIZED).raise_for_status()
    expect(badge).to_have_text("EventStoreDB: Connected")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_text("Following live")).to_be_visible()
    place(page, "Ada")
    expect(card(page, "Ada")).to_be_visible()


def test_a_message_that_is_not_about_the_connection_stays(page: Page) -> None:
    """Only what the connection brings is over with it."""
    place(page, "Ada")
    expect(card(page, "Ada")).to_be_visible()
    page.get_by_label("Espresso beans").fill("0")
    page.get_by_label("Customer").fill("Ada")
    page.get_by_role("button", name="Place the order").click()
    with page.expect_response("**/view"):
        pass
    with page.expect_response("**/view"):
        pass
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one thing")


def test_an_order_of_nothing_is_not_sent(page: Page) -> None:
    """The page says what is missing."""
    page.get_by_label("Customer").fill("Ada")
    page.get_by_label("Espresso beans").fill("0")
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one thing")


def test_text_of_customers_is_text(page: Page) -> None:
    """A name with markup in it is shown as it is."""
    name = "<img src=x onerror=alert(1)>"
    place(page, name)
    expect(card(page, name).get_by_role("heading")).to_contain_text(name)
    expect(page.locator(".order img")).to_have_count(0)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out(page: Page, width: int) -> None:
    """From a phone to a desk, the page needs no sideways scrolling."""
    page.set_viewport_size({"width": width, "height": 800})
    place(page, "A customer with a rather long name " * 2)
    expect(card(page, "rather long")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmütze mit Kordel und Anker"


def test_a_long_item_leaves_its_price_in_one_line(page: Page, shop: httpx2.Client) -> None:
    """On a phone as well: the name takes the lines that it needs, beside a price as high as any other."""
    page.set_viewport_size({"width": 360, "height": 800})
    items = [{"name": LONG, "price_cents": 123456, "quantity": 12}, {"name": "Cup", "price_cents": 1800, "quantity": 1}]
    shop.post("/orders/L-1", json={"customer": "Ada", "items": items}).raise_for_status()
    prices = card(page, "Ada").locator(".items li span:last-child")
    expect(prices).to_have_text(["€14,814.72", "€18.00"])
    long, short = (price.bounding_box() for price in prices.all())
    assert long
    assert short
    assert long["height"] == short["height"]


def test_what_happens_stands_above_the_orders_on_a_phone(page: Page) -> None:
    """However many of them there are."""
    page.set_viewport_size({"width": 360, "height": 800})
    place(page, "Ada")
    expect(card(page, "Ada")).to_be_visible()
    happens, orders = page.locator(".happenings").bounding_box(), page.locator("#orders").bounding_box()
    assert happens
    assert orders
    assert happens["y"] + happens["height"] < orders["y"]
