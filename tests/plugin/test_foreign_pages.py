"""What the page of another site can have a real browser do to the control routes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, Route

from tests.example_app.browser import chromium
from tests.plugin.guarded import PASSWORD, USER
from tests.support.serving import served

SHOP, EVIL = "shop.example", "http://evil.example"
RULES = f"--host-resolver-rules=MAP {SHOP} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

FORM = '<form method="post" action="{url}" enctype="text/plain"><input name="a" value="b"></form>'
SUBMIT = "document.forms[0].submit()"
FETCH = 'fetch("{url}", {{method: "POST", credentials: "include", mode: "no-cors", headers: {{"Accept": "x"}}}})'
WITH_HEADER = 'fetch("{url}", {{method: "POST", credentials: "include", headers: {{"X-ESDB-Control": "1"}}}})'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One that takes names of the test for this machine."""
    with chromium(RULES) as browser:
        yield browser


@pytest.fixture(scope="module")
def shop(browser: Browser) -> Iterator[httpx2.Client]:
    with served("tests.plugin.guarded:app", {}) as client:
        yield client


@pytest.fixture(params=["127.0.0.1", SHOP])
def page(request: pytest.FixtureRequest, browser: Browser, shop: httpx2.Client) -> Iterator[Page]:
    """The page of another site, in the browser of an operator who has logged in.

    Browsers send `Sec-Fetch-Site` to this machine, and not to others in plain text.
    """
    with browser.new_context(http_credentials={"username": USER, "password": PASSWORD}) as context:
        page = context.new_page()
        page.route(f"{EVIL}/**", answer_as_evil)
        url = f"http://{request.param}:{shop.base_url.port}"
        page.goto(f"{url}/private")
        assert "welcome" in page.content()
        page.goto(f"{EVIL}/?{url}")
        yield page


def answer_as_evil(route: Route) -> None:
    target = route.request.url.partition("?")[2]
    route.fulfill(content_type="text/html", body=FORM.format(url=f"{target}/health/esdb/close"))


def target_of(page: Page) -> str:
    return f"{page.url.partition('?')[2]}/health/esdb/close"


def test_a_form_is_refused(page: Page, shop: httpx2.Client) -> None:
    """The browser sends the password that it knows, and it does not help."""
    before = len(shop.get("/posts").json())
    with page.expect_response(target_of(page)) as answered:
        page.evaluate(SUBMIT)
    sent = shop.get("/posts").json()[before:]
    assert [headers["origin"] for headers in sent] == [EVIL]
    assert sent[0]["authorization"].startswith("Basic ")
    assert ("sec-fetch-site" in sent[0]) == sent[0]["host"].startswith("127.0.0.1")
    assert answered.value.status == 403
    assert shop.get("/health/esdb/ready").status_code == 200


def test_a_script_is_refused(page: Page, shop: httpx2.Client) -> None:
    """With what it may send unasked, and with the header, for which the browser asks first."""
    before = len(shop.get("/posts").json())
    page.evaluate(f'{FETCH.format(url=target_of(page))}.catch(error => "the browser itself may refuse")')
    sent = shop.get("/posts").json()[before:]
    refused = page.evaluate(f'{WITH_HEADER.format(url=target_of(page))}.then(() => "sent", error => error.name)')
    assert refused == "TypeError"
    assert shop.get("/posts").json()[before:] == sent, "the browser was told nothing that allows the header"
    assert shop.get("/health/esdb/ready").status_code == 200


def test_the_apps_own_page_may_command(page: Page, shop: httpx2.Client) -> None:
    """A script of the same origin that sends the header is heard."""
    url = target_of(page).removesuffix("/close")
    page.goto(f"{url.removesuffix('/health/esdb')}/private")
    send = 'fetch("{url}", {{method: "POST", headers: {{"X-ESDB-Control": "1"}}}}).then(answer => answer.status)'
    assert page.evaluate(send.format(url=f"{url}/close")) == 200
    assert shop.get("/health/esdb/ready").status_code == 503
    assert page.evaluate(send.format(url=f"{url}/connect")) == 202
    assert shop.get("/health/esdb/ready").status_code == 200
