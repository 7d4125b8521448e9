"""The embedded server: a database and its gRPC services on a port of this machine."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from os import PathLike
from types import TracebackType
from typing import Self

from fastapi_esdb.embedded.access import Access
from fastapi_esdb.embedded.access.accounts import Accounts
from fastapi_esdb.embedded.address import Address, checked_address
from fastapi_esdb.embedded.binding import Binding, RunningCalls
from fastapi_esdb.embedded.certificate import ServerCertificate, authority_file
from fastapi_esdb.embedded.ending import guarded
from fastapi_esdb.embedded.errors import CannotListen
from fastapi_esdb.embedded.faults import FaultKit
from fastapi_esdb.embedded.indexes.subsystem import Indexes
from fastapi_esdb.embedded.membership import Alone, Membership
from fastapi_esdb.embedded.projections.subsystem import Projections
from fastapi_esdb.embedded.scavenges import Scavenges
from fastapi_esdb.embedded.schemas.registry import Registry
from fastapi_esdb.embedded.services.admin import MonitoringService, OperationService
from fastapi_esdb.embedded.services.groups.directory import Groups
from fastapi_esdb.embedded.services.groups.service import bind_groups
from fastapi_esdb.embedded.services.projections import bind_projections
from fastapi_esdb.embedded.services.reads import ReadService
from fastapi_esdb.embedded.services.registry import (
    bind_cluster,
    bind_indexes,
    bind_monitoring,
    bind_operations,
    bind_streams,
    bind_users,
)
from fastapi_esdb.embedded.services.schemas import bind_schemas
from fastapi_esdb.embedded.statistics import Statistics
from fastapi_esdb.embedded.store import Database, Limits, MemoryStorage, SqliteStorage
from fastapi_esdb.embedded.store.database import Clock, utc_now
from fastapi_esdb.embedded.store.work import completed, ended
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.quiet_grpc import grpc

log = logging.getLogger(__name__)

MAX_APPEND_SIZE = 256 * 1024 * 1024
"""Bytes that one append may have, as on the version that the server announces (protocol 2.13)."""

MAX_MESSAGE_SIZE = 16 * 1024 * 1024
"""Bytes that one request may have; larger ones are RESOURCE_EXHAUSTED, as on a real server (protocol 1.6)."""

PING_AFTER = 10_000
PING_TIMEOUT = 10_000
"""Milliseconds of silence before the server asks whether a client is there, and that it waits then (protocol 5.4)."""

GRACE = 1.0
"""Seconds that writes under way have to finish when the server stops."""


class EmbeddedServer(FaultKit):
    """An EventStoreDB-compatible server for development and tests: `async with EmbeddedServer() as server: ...`.

    It runs on the event loop it is started on and keeps what it holds in memory, or in a SQLite file at `path`. It can
    be started again after a stop, and has the same address and the same data then.

    `lose_next_answer`, `refuse`, `slow` and `freeze` give it faults, so that tests see what an app makes of them.

    Args:
        host: where it listens. Anything but a loopback address needs `allow_remote`.
        port: 0 takes a free one.
        path: the SQLite file; made if it is not there.
        tls: the certificate to speak TLS with; `ServerCertificate.made()` makes one.
        secure: ask for users: `admin` and `ops`, both with the password `changeit`.
        tokens: the bearer tokens that it takes, each with the login name of the user that it stands for, as on a server
            with the OAuth plugin. Looked at for each call, so that one that is removed is refused from then on.
        clock: what time it is, as an aware datetime; `$maxAge` and the times of events go by it.
        max_append_size: bytes that the events of one append may have together.
        max_concurrent_streams: calls that one connection of a client may have open at the same time.
        allow_remote: let it listen where others can reach it.
        membership: that of a node of a cluster. Nothing is kept in a file then.

    Raises:
        InvalidArgument: an argument is out of bounds.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str | PathLike[str] | None = None,
        *,
        tls: ServerCertificate | None = None,
        secure: bool = False,
        tokens: Mapping[str, str] | None = None,
        clock: Clock = utc_now,
        max_append_size: int = MAX_APPEND_SIZE,
        max_concurrent_streams: int = 100,
        allow_remote: bool = False,
        membership: Membership | None = None,
    ) -> None:
        super().__init__()
        _check_positive("max_append_size", max_append_size)
        _check_positive("max_concurrent_streams", max_concurrent_streams)
        self._address = checked_address(host, port, allow_remote=allow_remote)
        self._membership = membership or Alone(MemoryStorage() if path is None else SqliteStorage(path))
        self._folder = os.path.dirname(path or "")
        self._authority_file = authority_file(tls)
        self._tls = tls
        self._secure = secure
        self._tokens = _checked_tokens(tokens, secure=secure)
        self._clock = clock
        self._limits = Limits(max_append_size=max_append_size)
        self._max_concurrent_streams = max_concurrent_streams
        self._calls = RunningCalls()
        self._running: AsyncExitStack | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    def __repr__(self) -> str:
        state = "running" if self._running else "stopped"
        return f"<EmbeddedServer {self.address} {state}>"

    @property
    def port(self) -> int:
        """The port; 0 until a server that may choose one has been started."""
        return self._address.port

    @property
    def address(self) -> str:
        """`host:port` as it listens there."""
        return str(self._address)

    @property
    def connection_string(self) -> str:
        """The connection string for clients, without a user: with `secure`, put `admin:changeit@` before the host."""
        tls = str(self._tls is not None).lower()
        return f"esdb://{self._address.advertised(self._tls)}?tls={tls}{self._authority_file.option}"

    @property
    def open_calls(self) -> Mapping[str, int]:
        """The number of running calls of clients by `Service.Method`, without methods that have none."""
        return self._calls.counts

    async def start(self) -> None:
        """Listen; the server answers when this returns. Does nothing when it runs.

        Raises CannotListen (the port is in use), and StorageError for the file (in use by another server, damaged).
        """
        if self._running:
            return
        self._stopping, self._stopped = None, asyncio.Event()
        async with AsyncExitStack() as stack:
            stack.callback(self._authority_file.remove)
            self._authority_file.write()
            database = self._membership.database(self._clock, self._limits)
            await self._listen(stack, await stack.enter_async_context(database))
            self._running = stack.pop_all()
        log.warning("the embedded EventStoreDB server on %s is for development and tests only", self.address)

    async def stop(self, grace: float = GRACE) -> None:
        """End all calls and let go of everything. Writes under way have `grace` seconds to finish. Idempotent."""
        self._begin_to_stop(grace)
        if self._stopping:
            await ended(self._stopping)

    async def wait_stopped(self) -> None:
        """Return when the server that was started has been stopped, which a client may do: `Operations.Shutdown`."""
        await self._stopped.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _begin_to_stop(self, grace: float = GRACE) -> None:
        """Stop without being waited for."""
        if self._running:
            running, self._running = self._running, None
            self._stopping = asyncio.create_task(self._stop(running, grace))

    async def _stop(self, running: AsyncExitStack, grace: float) -> None:
        self.faults.clear()
        try:
            await self._calls.stop(grace)
        finally:
            await running.aclose()
            self._stopped.set()

    async def _listen(self, stack: AsyncExitStack, database: Database) -> None:
        self._calls = RunningCalls()
        accounts = Accounts(database) if self._secure else None
        if accounts:
            stack.callback(accounts.close)
        access = Access(database, accounts, self._tokens)
        binding = Binding(access, self._calls, self._membership, self.faults)
        server = grpc.aio.server(handlers=[binding], options=self._options())
        self._address = Address(self._address.host, self._open_port(server))
        self._membership.listen(server)
        advertised = self._address.advertised(self._tls)
        groups, projections = Groups(database, self._clock), Projections(database, self._clock)
        scavenges = await stack.enter_async_context(Scavenges(database, str(advertised)))
        indexes = await stack.enter_async_context(Indexes(database, self._clock))
        reads = ReadService(database, access, self._clock, indexes)
        bind_streams(binding, database, access, self._limits, reads)
        bind_indexes(binding, indexes)
        bind_schemas(binding, Registry(database, self._clock))
        bind_users(binding, access)
        bind_operations(binding, OperationService(scavenges, self._begin_to_stop))
        bind_monitoring(binding, MonitoringService(Statistics(database, self._folder)))
        bind_groups(binding, groups, access)
        bind_projections(binding, projections)
        bind_cluster(binding, self._membership)
        work = partial(_leader_work, accounts, groups, projections)
        await stack.enter_async_context(self._membership.joined(advertised, work))
        stack.enter_context(guarded(server))
        # both to their ends: grpc's server crashes when its start or stop is cancelled
        stack.push_async_callback(lambda: completed(server.stop(GRACE)))
        await completed(server.start())

    def _open_port(self, server: grpc.aio.Server) -> int:
        try:
            if self._tls is None:
                return server.add_insecure_port(self.address)
            credentials = grpc.ssl_server_credentials([(self._tls.key, self._tls.certificate)])
            return server.add_secure_port(self.address, credentials)
        except RuntimeError as error:
            raise CannotListen(self.address, tls=self._tls is not None) from error

    def _options(self) -> list[tuple[str, int]]:
        return [
            ("grpc.so_reuseport", 0),  # otherwise a second server could have the same port
            ("grpc.max_concurrent_streams", self._max_concurrent_streams),
            ("grpc.http.overload_protection", 0),  # counts calls that have ended, and refuses some within the maximum
            ("grpc.max_receive_message_length", MAX_MESSAGE_SIZE),
            ("grpc.max_send_message_length", -1),
            ("grpc.keepalive_time_ms", PING_AFTER),
            ("grpc.keepalive_timeout_ms", PING_TIMEOUT),
            ("grpc.http2.ping_timeout_ms", PING_TIMEOUT),  # the one that counts: see the docs of grpc
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
            ("grpc.http2.max_ping_strikes", 0),  # clients ping each 10 s, which grpc would take for an attack
        ]


@asynccontextmanager
async def _leader_work(accounts: Accounts | None, groups: Groups, projections: Projections) -> AsyncIterator[None]:
    """Do what only the leader of a cluster does."""
    if accounts:
        await accounts.create_built_in()
    async with groups, projections:
        yield


def _checked_tokens(tokens: Mapping[str, str] | None, *, secure: bool) -> Mapping[str, str] | None:
    """Return the same mapping, which may change. The errors show nothing of it."""
    if tokens is not None and not isinstance(tokens, Mapping):
        raise InvalidArgument(f"tokens must be a mapping from tokens to login names, not {type(tokens).__name__}")
    if tokens is not None and not secure:
        raise InvalidArgument("tokens need secure=True: without it nobody is asked who calls, and no token is refused")
    return tokens


def _check_positive(name: str, value: int) -> None:
    if value < 1:
        raise InvalidArgument(f"{name} is {value}: it must be at least 1")
