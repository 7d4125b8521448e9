"""What the tests of the API share."""

from __future__ import annotations

import pytest

from fastapi_esdb.api.connection import Connection


@pytest.fixture
def esdb(esdb_connection: Connection) -> Connection:
    """A connection to an empty embedded server, through a real socket."""
    return esdb_connection
