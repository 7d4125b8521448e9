"""Accounts with ETags: an app for a real server process."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException

from fastapi_esdb import (
    NO_STREAM,
    EsdbDep,
    EsdbSyncDep,
    Loaded,
    RecordedEvent,
    StreamRevision,
    add_error_handlers,
    esdb_router,
    load,
    problems,
    require_if_match,
    revision,
)
from tests.api.deciders.accounts import Account, AccountDecider, put, take


class Counted(AccountDecider):
    """Counts the events that it folds."""

    folded = 0

    @staticmethod
    def evolve(state: Account, event: RecordedEvent) -> Account:
        Counted.folded += 1
        return AccountDecider.evolve(state, event)


AnAccount = Annotated[Loaded[Account], load("account-{number}", Counted)]
NewOrOld = Annotated[Loaded[Account], load("account-{number}", Counted, may_be_new=True)]
Strict = Annotated[Loaded[Account], load("account-{number}", Counted, require_if_match=True)]
Other = Annotated[Loaded[Account], load("account-{other}", Counted, may_be_new=True)]
ALog = Annotated[StreamRevision, revision("log-{number}", may_be_new=True)]

app = FastAPI()
app.include_router(esdb_router)
add_error_handlers(app, members={"revisions"}, validation=True)


@app.get("/folded")
async def folded() -> int:
    return Counted.folded


@app.get("/accounts/{number}", responses=problems(503))
async def show(account: AnAccount) -> int:
    return account.state.cents


@app.put("/accounts/{number}/{cents}", status_code=201)
async def put_into(cents: int, account: NewOrOld) -> int:
    return (await account.decide(lambda _: put(cents))).state.cents


@app.post("/accounts/{number}/nothing")
async def do_nothing(account: AnAccount) -> int:
    return (await account.decide(lambda _: None)).state.cents


@app.post("/accounts/{number}/raced/{cents}")
async def raced(cents: int, account: AnAccount, esdb: EsdbDep) -> int:
    """Somebody else is faster than the decision, once."""
    await esdb.append(account.stream, put(1))
    return (await account.decide(take, cents)).state.cents


@app.post("/accounts/{number}/threaded/{cents}")
def in_a_thread(cents: int, account: AnAccount, esdb: EsdbSyncDep) -> int:
    esdb.append(account.stream, put(1))
    return esdb.decide(account.stream, Counted, take, cents, expected=account.expected).state.cents


@app.post("/accounts/{number}/strict/{cents}")
async def strict(cents: int, account: Strict) -> int:
    return (await account.decide(take, cents)).state.cents


@app.get("/accounts/{number}/and/{other}")
async def both(account: AnAccount, other: Other) -> list[int]:
    return [account.state.cents, other.state.cents]


@app.post("/accounts/{number}/elsewhere")
async def conflict_elsewhere(account: AnAccount, esdb: EsdbDep) -> None:
    """The conflict is with a stream that the precondition is not about."""
    await esdb.append("elsewhere", put(1), expected=7)


@app.get("/logs/{number}")
async def read_log(log: ALog, esdb: EsdbDep) -> list[str]:
    return [event.type async for event in esdb.read(log.stream, missing_ok=True)]


@app.post("/logs/{number}", dependencies=[Depends(require_if_match)])
async def write_log(log: ALog, esdb: EsdbDep, behind: bool = False) -> Any:
    if behind:  # somebody else is faster
        await esdb.append(log.stream, put(1))
    result = await esdb.append(log.stream, put(1), expected=log.expected)
    assert result.revision is not None
    log.tell(result.revision)
    return {"existed": log.exists, "was": None if log.revision is NO_STREAM else log.revision}


@app.get("/teapot")
async def teapot() -> None:
    raise HTTPException(418)
