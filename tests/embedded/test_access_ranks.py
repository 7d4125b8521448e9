"""What callers of each rank may call on a server with users (protocol 1.1)."""

from __future__ import annotations

from typing import Any

import pytest

from fastapi_esdb.embedded.access import Rank
from fastapi_esdb.embedded.access.caller import rank_needed
from fastapi_esdb.wire.admin.users import CREATE_USER, UPDATE_USER, CreateUser, UpdateUser
from fastapi_esdb.wire.errors import AccessDenied, EsdbError
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from tests.embedded.secure import ADMIN, JANE, OPS, secured, shown
from tests.support.bare_client import BareClient, Metadata


async def is_denied(client: BareClient, method: Method[Any, Any], user: Metadata) -> bool:
    """Whether the call is refused before it is even looked for its request, which it lacks."""
    try:
        await client.call(method, metadata=user)
    except EsdbError as error:
        return isinstance(error, AccessDenied)
    return False


@pytest.mark.parametrize(
    ("user", "rank"), [([], Rank.ANYBODY), (JANE, Rank.USER), (OPS, Rank.OPERATOR), (ADMIN, Rank.ADMIN)]
)
async def test_every_method(user: Metadata, rank: Rank) -> None:
    """Who has a rank may call the methods of that rank and of those below it."""
    async with secured() as client:
        denied = {method.path for method in all_methods() if await is_denied(client, method, user)}
    assert denied == {method.path for method in all_methods() if rank_needed(method) > rank}


async def test_groups_give_ranks() -> None:
    """A user who joins the group of the operators is one from the next call on."""
    joe = shown("joe", "word")
    async with secured() as client:
        await client.call(CREATE_USER, CreateUser("joe", "word", groups=("dev",)), metadata=ADMIN)
        with pytest.raises(AccessDenied):
            await client.call(CREATE_USER, CreateUser("other", "word"), metadata=joe)
        await client.call(UPDATE_USER, UpdateUser("joe", groups=("$admins",)), metadata=ADMIN)
        await client.call(CREATE_USER, CreateUser("other", "word"), metadata=joe)
