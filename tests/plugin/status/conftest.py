"""An app whose status page anybody may see, with a consumer that parks what it can't handle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_esdb import Esdb
from fastapi_esdb.consumers import Park, category
from fastapi_esdb.wire.events.values import RecordedEvent

OWN = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
"""What a browser sends with a form of the page."""


async def anybody() -> None: ...


class Shop:
    """An app, a client of it, and its database."""

    def __init__(self) -> None:
        self.esdb = Esdb(embedded=True, control=anybody)
        self.refuses = True
        self.app = FastAPI()
        self.app.include_router(self.esdb.router)
        self.esdb.consumer("mailer", category("order"), on_error={ValueError: Park})(self.mail)
        self.client = TestClient(self.app, follow_redirects=False)

    async def mail(self, event: RecordedEvent) -> None:
        if self.refuses:
            raise ValueError(f"no address <b>{event.type}</b>")

    def get(self, page: str = "", **query: Any) -> str:
        """The HTML of a page."""
        return str(self.ask(page, **query).text)

    def ask(self, page: str = "", **query: Any) -> Any:
        """The answer of a page."""
        return self.client.get(f"/health/esdb/status{page and '/'}{page}", params=query or None)

    def post(self, **form: Any) -> Any:
        """The answer to a form."""
        return self.client.post("/health/esdb/status/do", data=form, headers=OWN)

    def do(self, what: Callable[[Any], Awaitable[Any]]) -> Any:
        """Have something done with the app's connection, on its event loop."""
        assert self.client.portal is not None

        async def doing() -> Any:
            async with asyncio.timeout(30):
                return await what(self.esdb.connection_of(self.app))

        return self.client.portal.call(doing)


@pytest.fixture
def shop(esdb_embedded: None) -> Iterator[Shop]:
    shop = Shop()
    with shop.client:
        yield shop
