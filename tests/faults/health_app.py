"""The smallest app with the plugin, for a server of its own."""

from __future__ import annotations

from fastapi import FastAPI

from fastapi_esdb import esdb_router

app = FastAPI()
app.include_router(esdb_router)
