"""`check`: connects step by step, and tells at each what it finds."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeAlias

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.cli import output
from fastapi_esdb.cli.running import WRONG_USE, chosen, settings
from fastapi_esdb.compose import connect
from fastapi_esdb.connection.proxy import Proxy, naming, open_way, proxy_for
from fastapi_esdb.connection.state import Admission
from fastapi_esdb.connection.tls.contexts import read_roots, read_user_certificate, verifying_context
from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import EsdbError

UNREACHABLE, NOT_LET_IN, NO_LEADER = 3, 4, 5

MARGIN = 0.5
"""Seconds after which a step that does not end by itself is given up: one that does says more of the cause."""

Way: TypeAlias = tuple[Host, Proxy | None]


class Broken(Exception):
    """A step failed, with the exit status that this means."""

    def __init__(self, status: int) -> None:
        self.status = status


async def check() -> int:
    """Go through all steps; return the exit status."""
    try:
        found = settings()
        target = found.target
        ways = [(host, proxy_for(host, target.options)) for host in target.hosts]
    except InvalidSettings as error:
        _tell("settings", ok=False, detail=str(error))
        return WRONG_USE
    _tell("settings", ok=True, detail=target.render(redact=True))
    try:
        if target.embedded:
            _tell("embedded server", ok=True, detail="is started beside the app, so nothing has to be reached")
        else:
            await _reach(ways, target.options)
        async with connect(found) as esdb:
            await _ask(esdb)
    except Broken as broken:
        return broken.status
    return 0


async def _reach(ways: Sequence[Way], options: ConnectionOptions) -> None:
    """Look at the way to the hosts. One of several that is not there is told, and no failure."""
    reached = [await _reach_host(way, options, last=len(ways) == 1) for way in ways]
    if not any(reached):
        raise Broken(UNREACHABLE)


async def _reach_host(way: Way, options: ConnectionOptions, *, last: bool) -> bool:
    host, proxy = way
    steps: list[tuple[str, Callable[[], Awaitable[str]]]] = [(f"TCP {host.address}", lambda: _open(way, None))]
    if proxy is None:  # else it is the proxy that looks up the name
        steps.insert(0, (f"name {host.name}", lambda: _resolve(host)))
    if options.tls:
        context = verifying_context(options, read_roots(options), read_user_certificate(options))
        steps.append((f"TLS {host.address}", lambda: _open(way, context)))
    for name, step in steps:
        try:
            await _step(name, step, UNREACHABLE)
        except Broken:
            if last:
                raise
            return False
    return True


async def _resolve(host: Host) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host.name, host.port)
    return ", ".join(dict.fromkeys(str(address[0]) for *_, address in found))


async def _open(way: Way, context: ssl.SSLContext | None) -> str:
    host, proxy = way
    with naming(proxy):
        _, writer = await open_way(host, proxy)
    try:
        if context is None:
            return f"connected by way of the proxy {proxy}" if proxy else "connected"
        await writer.start_tls(context, server_hostname=host.name)
        version = writer.get_extra_info("ssl_object").version()
        return f"{version}, {_lasting(writer.get_extra_info('peercert'))}"
    finally:
        writer.close()


def _lasting(certificate: dict[str, Any] | None) -> str:
    """Return how long a certificate lasts; of one that is not checked Python does not tell."""
    if not certificate:
        return "the certificate is not checked"
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - datetime.now(UTC).timestamp()) / 86_400
    return f"the certificate is valid for {days:.0f} more days"


async def _ask(esdb: Connection) -> None:
    await _step("server", lambda: _connected(esdb), UNREACHABLE)
    await _step("credentials", lambda: _let_in(esdb), NOT_LET_IN)
    await _step("leader", lambda: _leader(esdb), NO_LEADER)


async def _connected(esdb: Connection) -> str:
    await esdb.wait_connected(chosen.patience)
    return f"version {esdb.server_version or 'unknown (before 21.10)'}"


async def _let_in(esdb: Connection) -> str:
    if esdb.pool.admission is not Admission.GRANTED:
        raise OSError(f"are {esdb.pool.admission.value}")
    await esdb.ping(chosen.patience)
    user = esdb.pool.settings.target.credentials
    return f"user {user.username!r} is let in" if user else "none, and none are needed"


async def _leader(esdb: Connection) -> str:
    members = await esdb.cluster.members(timeout=chosen.patience)
    alive = [member for member in members if member.is_alive]
    leader = next((member for member in alive if member.state is NodeState.LEADER), None)
    if leader is None:
        raise OSError(f"none of {len(members)} nodes leads")
    return f"{leader.host}:{leader.port}, one of {len(alive)} nodes that are alive"


async def _step(name: str, work: Callable[[], Awaitable[str]], status: int) -> None:
    began = monotonic()
    try:
        async with asyncio.timeout(chosen.patience + MARGIN):
            detail = await work()
    except TimeoutError:
        _tell(name, ok=False, detail=f"no answer within {chosen.patience:g} s")
    except (EsdbError, OSError) as error:
        _tell(name, ok=False, detail=_text_of(error))
    else:
        _tell(name, ok=True, detail=detail, milliseconds=round((monotonic() - began) * 1000, 1))
        return
    raise Broken(status)


def _text_of(error: Exception) -> str:
    """Return what is wrong; asyncio's text of a refused connection says no more than the address."""
    text = os.strerror(error.errno) if isinstance(error, ConnectionError) and error.errno else str(error)
    causes = [str(error.__cause__)] if isinstance(error, EsdbError) and error.__cause__ else []
    return "; ".join([text, *causes, *getattr(error, "__notes__", ())])


def _tell(step: str, *, ok: bool, detail: str, milliseconds: float | None = None) -> None:
    if not output.is_for_people():
        output.line({"step": step, "ok": ok, "detail": detail, "milliseconds": milliseconds})
        return
    took = "" if milliseconds is None else f"  ({milliseconds} ms)"
    output.step(f"{step}: {detail}{took}", ok=ok)
