"""Who may see the status page, and who may command by it."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from fastapi_esdb import Esdb
from fastapi_esdb.plugin.status import route
from tests.plugin.apps import app_of, app_with_router
from tests.plugin.status.conftest import OWN, Shop, anybody

TOKEN = "open-sesame"
PAGES = ("", "/streams", "/stream?name=a", "/event?name=a&at=0", "/data?name=a&at=0", "/status.css", "/status.js")


def basic(password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'me:{password}'.encode()).decode()}"}


@pytest.fixture
def guarded(esdb_embedded: None, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("ESDB_CONTROL_TOKEN", TOKEN)
    return app_with_router()


@pytest.mark.usefixtures("esdb_embedded")
@pytest.mark.parametrize("page", [*PAGES, "/live", "/follow?name=a", "/do"])
def test_without_a_guard_there_is_no_page(page: str) -> None:
    """404, with any method and whatever is sent along."""
    with TestClient(app_with_router()) as client:
        for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS"):
            answer = client.request(method, f"/health/esdb/status{page}", headers={**basic(TOKEN), **OWN})
            assert (method, answer.status_code) == (method, 404)


@pytest.mark.parametrize("page", PAGES)
def test_the_token_is_asked_for_as_a_password(guarded: FastAPI, page: str) -> None:
    """So that a browser can send it; a bearer token is taken, too."""
    with TestClient(guarded) as client:
        refused = client.get(f"/health/esdb/status{page}")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic ")
        for headers in (basic("wrong"), {"Authorization": "Basic %%%"}, {"Authorization": "Basic"}, basic("")):
            assert client.get(f"/health/esdb/status{page}", headers=headers).status_code == 401
        for headers in (basic(TOKEN), {"Authorization": f"Bearer {TOKEN}"}):
            assert client.get(f"/health/esdb/status{page}", headers=headers).status_code in (200, 404)


def test_any_user_name_does(guarded: FastAPI) -> None:
    """One that is no ASCII, too: the answer asks browsers for UTF-8."""
    with TestClient(guarded) as client:
        assert 'charset="UTF-8"' in client.get("/health/esdb/status").headers["www-authenticate"]
        for name, encoding, status in (("Jürgen ☂", "utf-8", 200), ("", "utf-8", 200), ("Jürgen", "latin-1", 401)):
            sent = b64encode(f"{name}:{TOKEN}".encode(encoding)).decode()
            answer = client.get("/health/esdb/status", headers={"Authorization": f"Basic {sent}"})
            assert (name, answer.status_code) == (name, status)


def test_a_password_opens_the_page_and_not_the_control_routes(guarded: FastAPI) -> None:
    """A browser sends it by itself, which is why these want a header that it does not send."""
    with TestClient(guarded) as client:
        assert client.get("/health/esdb/status", headers=basic(TOKEN)).status_code == 200
        assert client.post("/health/esdb/close", headers=basic(TOKEN)).status_code == 401


@pytest.mark.usefixtures("esdb_embedded")
def test_a_guard_of_the_app_guards_each_page() -> None:
    """It decides, and not the token."""

    async def operators(request: Request) -> None:
        if request.headers.get("x-user") != "operator":
            raise HTTPException(403)

    with TestClient(app_of(Esdb(embedded=True, control=operators))) as client:
        for page in PAGES:
            assert client.get(f"/health/esdb/status{page}").status_code == 403
        assert client.get("/health/esdb/status", headers={"X-User": "operator"}).status_code == 200
        command = client.post("/health/esdb/status/do", content="do=close", headers=OWN)
        assert command.status_code == 403
        assert client.get("/health/esdb/ready").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "cross-site", "X-ESDB-Control": "1"},
    ],
)
def test_a_form_of_another_site_is_refused(shop: Shop, headers: dict[str, str]) -> None:
    """And so is one of which nobody says where it comes from."""
    content = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = shop.client.post("/health/esdb/status/do", content="do=close", headers={**content, **headers})
    assert answer.status_code == 403
    assert shop.client.get("/health/esdb/ready").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {"X-ESDB-Control": "1"}]
)
def test_a_form_of_the_page_is_obeyed(shop: Shop, headers: dict[str, str]) -> None:
    """As browsers of today send it, as older ones do, and as programs can."""
    answer = shop.client.post("/health/esdb/status/do", data={"do": "close"}, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "../status?done=close")
    assert shop.client.get("/health/esdb/ready").status_code == 503


@pytest.mark.parametrize("page", [*PAGES, "/nowhere", "/stream?name=none"])
def test_nothing_comes_from_elsewhere(shop: Shop, page: str) -> None:
    """Each answer forbids scripts and styles but its own, frames, and being taken for something else."""
    headers = shop.client.get(f"/health/esdb/status{page}").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_no_page_has_scripts_or_styles_in_it(shop: Shop) -> None:
    """The policy would have browsers leave them out."""
    for page in ("", "streams", "nowhere"):
        html = shop.get(page)
        assert "style=" not in html
        assert "<style" not in html
        assert html.count("<script") == html.count('<script src="') == 1


def test_an_app_that_has_not_started_says_so() -> None:
    """In words: there is nothing to show yet."""
    answer = TestClient(app_of(Esdb(embedded=True, control=anybody))).get("/health/esdb/status")
    assert answer.status_code == 503
    assert "has not started" in answer.text


@pytest.mark.usefixtures("esdb_embedded")
def test_the_page_stays_out_of_openapi() -> None:
    """It is for people."""
    with TestClient(app_of(Esdb(embedded=True, control=anybody))) as client:
        paths = client.get("/openapi.json").json()["paths"]
    assert "/health/esdb/close" in paths
    assert not [path for path in paths if "status" in path]


def test_without_jinja2_the_answer_says_what_to_install(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else works."""
    monkeypatch.setitem(sys.modules, "fastapi_esdb.plugin.status.site", None)
    monkeypatch.delitem(sys.modules, "fastapi_esdb.plugin.status.site")
    for name in [name for name in sys.modules if name.startswith("fastapi_esdb.plugin.status.")]:
        if sys.modules[name] is not route:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    answer = shop.ask()
    assert (answer.status_code, answer.json()["detail"]) == (501, route.LACKING)
    assert shop.client.get("/health/esdb").status_code == 200


def test_an_app_whose_page_nobody_asks_for_loads_nothing_of_it() -> None:
    """Neither templates nor what makes them."""
    code = "import sys, fastapi_esdb.plugin.esdb, fastapi_esdb.compose; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    ours = {name for name in loaded if name.startswith("fastapi_esdb.plugin.status.")}
    assert ours == {"fastapi_esdb.plugin.status.route"}
    assert "jinja2" not in loaded


@pytest.mark.usefixtures("esdb_embedded")
def test_the_page_of_another_database_is_beside_its_health() -> None:
    """With addresses that lead to its own pages, behind whatever prefix the app is."""
    esdb = Esdb(name="audit", embedded=True, control=anybody)
    app = FastAPI()
    app.include_router(esdb.router, prefix="/internal")
    with TestClient(app, root_path="/shop") as client:
        page = client.get("/internal/health/esdb/audit/status")
        assert page.status_code == 200
        assert 'href="status/streams"' in page.text
        assert client.get("/internal/health/esdb/audit/status/streams").status_code == 200
        assert (
            client.get("/internal/health/esdb/audit/status/", follow_redirects=False).headers["location"] == "../status"
        )
