"""Arguments of types that the signatures don't allow: easy mistakes, which are told by the argument's name."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fastapi_esdb.api.atomic_appends import StreamAppend
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.positions import START

PASSWORD = "canary"
EVENT = NewEvent("T", {})
PAIR: Any = ("admin", PASSWORD)

Call = Callable[[Any], Awaitable[object]]

BAD: dict[str, tuple[Call, str]] = {
    "credentials": (lambda esdb: esdb.append("s", EVENT, credentials=PAIR), "credentials must be Credentials or"),
    "no choice": (lambda esdb: esdb.append("s", EVENT, requires_leader="yes"), "requires_leader must be True, False"),
    "preference": (lambda esdb: esdb.read("s", read_preference="any").to_list(), "read_preference must be a Node"),
    "filter": (lambda esdb: esdb.read_all(filter="order-").to_list(), "filter must be of type EventFilter, not str"),
    "types": (lambda esdb: esdb.read("s", types=StreamAppend).to_list(), "types must be an EventTypes, .* not StreamA"),
    "types of all": (lambda esdb: anext(esdb.subscribe_all(types="T")), "types must be an EventTypes, .* of type str"),
    "types of a state": (
        lambda esdb: esdb.load("s", type("State", (), {"types": (EVENT,), "apply": print})),
        "types must be an EventTypes, .* of type tuple",
    ),
    "metadata": (lambda esdb: esdb.set_metadata("s", {"$tb": 1}), "metadata must be of type StreamMetadata, not dict"),
    "access list": (lambda esdb: esdb.set_default_acl(user_streams="me"), r"user_streams must be of type StreamAcl"),
    "patience": (lambda esdb: esdb.wait_connected("10"), "timeout must be a number of seconds"),
    "no patience": (lambda esdb: esdb.wait_connected(math.nan), "timeout must be a number of seconds"),
    "ping": (lambda esdb: esdb.ping("10"), "timeout must be a number of seconds"),
    "an event": (lambda esdb: esdb.append_records([EVENT]), "records must be pairs of a stream's name and a NewEvent"),
    "one pair": (
        lambda esdb: esdb.append_records([("s", {"n": 1})]),
        "events must be a NewEvent or several of them, not dict",
    ),
    "records": (lambda esdb: esdb.append_records(EVENT), "records must be of type Iterable, not NewEvent"),
    "checks": (lambda esdb: esdb.append_records([("s", EVENT)], checks=[("s", 1)]), "checks must be of type Mapping"),
    "a pair": (lambda esdb: esdb.append_streams([("s", EVENT)]), "an append must be of type StreamAppend, not tuple"),
    "an append": (lambda esdb: esdb.append_streams(StreamAppend("s", EVENT)), "appends must be of type Iterable"),
    "group": (
        lambda esdb: esdb.persistent_subscriptions.create("s", "g", {"max_retry_count": 3}, start=START),
        "settings must be of type GroupSettings, not dict",
    ),
    "model": (lambda esdb: esdb.projections.state("p", model=dict), "model must be a pydantic model"),
    "groups": (lambda esdb: esdb.users.create("joe", PASSWORD, groups=1), "groups must be of type Iterable, not int"),
    "full name": (lambda esdb: esdb.users.update("joe", full_name=None), "full_name must be a text, not None"),
    "no password": (lambda esdb: esdb.users.create("joe", None), "password must be of type str, not NoneType"),
    "empty password": (lambda esdb: esdb.users.create("joe", ""), "password must not be empty"),
    "bytes": (lambda esdb: esdb.users.reset_password("joe", PASSWORD.encode()), "new must be of type str, not bytes"),
    "new": (lambda esdb: esdb.users.change_password("joe", PASSWORD, None), "new must be of type str, not NoneType"),
    "current": (lambda esdb: esdb.users.change_password("joe", None, PASSWORD), "current must be of type str"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
async def test_a_wrong_type_is_refused_by_name(call: Call, message: str) -> None:
    """Before a connection is looked for, and without showing a password."""
    pool = ConnectionPool(EsdbSettings(connection_string="esdb://localhost"))
    with pytest.raises(InvalidArgument, match=message) as caught:
        await call(Connection(pool))
    assert pool.stats()["failures_total"] == 0
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(("field", "value"), [("acl", {"$r": "me"}), ("custom", ["owner"])])
def test_metadata_of_a_wrong_type(field: str, value: Any) -> None:
    """Is refused when it is made."""
    with pytest.raises(InvalidArgument, match=f"{field} must be of type"):
        StreamMetadata(**{field: value})
