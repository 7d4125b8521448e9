"""Payments that are made once: an app for a real server process, which can be killed at the worst of moments."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, HTTPException, Response

from fastapi_esdb import (
    ANY,
    AppendResult,
    EsdbDep,
    EsdbSyncDep,
    IdempotencyKey,
    Loaded,
    NewEvent,
    Snapshots,
    StreamRevision,
    add_error_handlers,
    esdb_router,
    idempotent,
    load,
    revision,
)
from tests.api.deciders.accounts import Account, AccountDecider, Overdrawn, put, take

User = Annotated[str, Header(alias="X-User")]


async def user(name: User = "jane") -> str:
    if name == "stranger":
        raise HTTPException(401)
    return name


AnAccount = Annotated[Loaded[Account], load("account-{number}", AccountDecider)]
NewOrOld = Annotated[Loaded[Account], load("account-{number}", AccountDecider, may_be_new=True)]


class Kept(AccountDecider):
    """Each load stores a snapshot."""

    snapshots = Snapshots(version=1, every=1, name="account")


AKept = Annotated[Loaded[Account], load("account-{number}", Kept)]
ARevision = Annotated[StreamRevision, revision("log-{number}", may_be_new=True)]
Dies = Annotated[str, Header(alias="X-Dies")]
Waits = Annotated[bool, Header(alias="X-Waits")]
Calls: list[str] = []
"""The endpoints that were called in this process."""

held = asyncio.Event()


class NoAnswer(Exception):
    """The endpoint ends without an answer."""


def answer(dies: str) -> None:
    """Die between append and answer, if that is wished: the process, or the endpoint alone."""
    if dies == "process":
        os.kill(os.getpid(), signal.SIGKILL)
    if dies == "endpoint":
        raise NoAnswer


async def write_log(
    number: str, body: dict[str, Any], esdb: EsdbDep, response: Response, *, dies: Dies = "", waits: Waits = False
) -> int:
    """Append whatever the stream holds, and answer with the revision."""
    Calls.append("log")
    if waits:
        await held.wait()
    result = await esdb.append(f"log-{number}", NewEvent("Logged", body), ANY)
    response.headers["X-Pid"] = str(os.getpid())
    response.headers.append("Set-Cookie", "session=secret")
    answer(dies)
    assert result.revision is not None
    return result.revision


async def write_whole(number: str, esdb: EsdbDep, dies: Dies = "") -> AppendResult:
    result = await esdb.append(f"log-{number}", [put(1), put(2)])
    answer(dies)
    return result


async def take_from(cents: int, account: AnAccount, dies: Dies = "") -> int:
    """Decide: after the first time the account might not hold as much any more."""
    decided = await account.decide(take, cents)
    answer(dies)
    return decided.state.cents


async def take_from_kept(cents: int, account: AKept, dies: Dies = "") -> int:
    decided = await account.decide(take, cents)
    answer(dies)
    return decided.state.cents


async def open_account(account: NewOrOld, dies: Dies = "") -> list[Any]:
    if account.exists:
        raise HTTPException(409, "there is one already")
    decided = await account.decide(lambda _: put(100))
    answer(dies)
    return [decided.state.cents, decided.revision, decided.events[0].type]


def take_in_thread(cents: int, account: AnAccount, esdb: EsdbSyncDep, dies: Dies = "") -> int:
    decided = esdb.decide(account.stream, AccountDecider, take, cents, expected=account.expected)
    answer(dies)
    return decided.state.cents


async def transfer(source: str, target: str, esdb: EsdbDep, dies: Dies = "") -> list[int]:
    """Two appends, one after the other; dying after the first."""
    first = await esdb.append(f"account-{source}", NewEvent("Taken", {"cents": 1}))
    answer(dies)
    second = await esdb.append(f"account-{target}", put(1))
    return [first.revision or 0, second.revision or 0]


async def joint(source: str, target: str, esdb: EsdbDep, dies: Dies = "") -> dict[str, int]:
    async with esdb.decision() as decision:
        decision.append(f"account-{source}", NewEvent("Taken", {"cents": 1}))
        decision.append(f"account-{target}", put(1))
    answer(dies)
    assert decision.result is not None
    return dict(decision.result.revisions)


async def new_order(key: IdempotencyKey, esdb: EsdbDep, dies: Dies = "") -> str:
    """The id is made of the key, so it is the same again."""
    order = str(key.uuid("order"))
    await esdb.append(f"order-{order}", put(1))
    answer(dies)
    return order


async def random_order(esdb: EsdbDep, dies: Dies = "") -> str:
    order = os.urandom(8).hex()
    await esdb.append(f"order-{order}", put(1))
    answer(dies)
    return order


async def by_revision(log: ARevision, esdb: EsdbDep, dies: Dies = "") -> list[Any]:
    result = await esdb.append(log.stream, put(1), log.expected)
    log.tell(result.revision or 0)
    answer(dies)
    return [log.exists, result.revision]


async def odd(number: str, esdb: EsdbDep, dies: Dies = "") -> int | None:
    result = await esdb.append(f"log-{number}", NewEvent("Order placed!", {}, b"\x00"))
    answer(dies)
    return result.revision


async def by_view(number: str, esdb: EsdbDep, dies: Dies = "") -> int | None:
    result = await esdb.bound(timeout=5).append(f"log-{number}", put(1))
    answer(dies)
    return result.revision


async def nothing() -> str:
    """Append nothing."""
    return os.urandom(8).hex()


async def hold() -> bool:
    """Answer when told to."""
    Calls.append("hold")
    return await held.wait()


async def calls() -> list[str]:
    return Calls


async def overdrawn(_: Any, __: Exception) -> Response:
    return Response(status_code=402)


async def release() -> None:
    held.set()


async def types(stream: str, esdb: EsdbDep) -> list[str]:
    return [event.type async for event in esdb.read(stream, missing_ok=True)]


def made(**options: Any) -> FastAPI:
    """An app of its own, which knows nothing of the keys that another one has in use."""
    payments = APIRouter(route_class=idempotent(caller=user, **options))
    payments.post("/log/{number}", status_code=201)(write_log)
    payments.post("/log/{number}/whole")(write_whole)
    payments.post("/accounts/{number}/take/{cents}")(take_from)
    payments.post("/kept/{number}/take/{cents}")(take_from_kept)
    payments.post("/accounts/{number}/open", status_code=201)(open_account)
    payments.post("/threads/{number}/take/{cents}")(take_in_thread)
    payments.post("/transfers/{source}/{target}")(transfer)
    payments.post("/joint/{source}/{target}")(joint)
    payments.post("/orders", status_code=201)(new_order)
    payments.post("/random-orders", status_code=201)(random_order)
    payments.post("/revisions/{number}")(by_revision)
    payments.post("/bound/{number}")(by_view)
    payments.post("/odd/{number}")(odd)
    payments.post("/nothing")(nothing)
    payments.post("/held")(hold)
    payments.get("/calls")(calls)
    app = FastAPI()
    app.include_router(esdb_router)
    app.include_router(payments, prefix="/v1")
    app.post("/release")(release)
    app.get("/types/{stream}")(types)
    app.add_exception_handler(Overdrawn, overdrawn)
    add_error_handlers(app)
    return app


app = made()
