"""The shop's EventStoreDB: the one named in ESDB_CONNECTION_STRING, else an embedded server that lives with the app."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from fastapi_esdb import Connection, Esdb

shop = Esdb(embedded=True)

ShopConnection = Annotated[Connection, Depends(shop.get_connection)]
