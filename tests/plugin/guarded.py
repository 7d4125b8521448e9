"""An app for a real server process, whose operators log in with HTTP Basic; it remembers what it was asked."""

from __future__ import annotations

from secrets import compare_digest
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_esdb import Esdb

USER, PASSWORD = "operator", "open-sesame"


def operators(given: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> None:
    if not compare_digest(given.password, PASSWORD):
        raise HTTPException(403)


esdb = Esdb(embedded=True, control=operators)
app = FastAPI()
app.include_router(esdb.router)
posts: list[dict[str, str]] = []


@app.get("/private", dependencies=[Depends(operators)])
async def private() -> str:
    return "welcome"


@app.get("/posts")
async def seen() -> list[dict[str, str]]:
    return posts


class Remembering:
    """Keeps the headers of each POST, also of those that are refused."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "POST":
            posts.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await self.app(scope, receive, send)


app.add_middleware(Remembering)
