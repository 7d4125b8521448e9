"""How the end of a call is raised: as the interface of a transport says it."""

from __future__ import annotations

from fastapi_esdb.connection.http2.statuses import Cause, Ending
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.wire.errors import ConnectionLost, ConnectionRefused, EsdbError, NoAnswer, ServerBusy
from fastapi_esdb.wire.status.codes import StatusCode


def error_of(ending: Ending) -> RpcFailed | EsdbError:
    """Return what is raised for a call that has not ended well."""
    told = RpcFailed(StatusCode(ending.code), ending.message, ending.trailers)
    known = _known(ending)
    if known is None:
        return told
    known.__cause__ = told
    return known


def _known(ending: Ending) -> EsdbError | None:
    """Return the error of an end that no status tells."""
    if ending.cause is Cause.REFUSED:
        return ServerBusy()
    if ending.cause is Cause.LEAVING:
        return ConnectionRefused(ending.message)
    if ending.cause is Cause.CLOSED:
        return ConnectionClosed()
    if ending.cause is Cause.LOST:
        return ConnectionLost()
    if ending.cause is Cause.UNREADABLE:
        return NoAnswer(ending.message)
    return None
