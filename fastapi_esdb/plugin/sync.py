"""The connection for `def` endpoints, which run in threads: the same calls, blocking, each with a deadline."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, cast

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.plugin.blocking import Blocking, blocking, iterating, listing

if TYPE_CHECKING:
    from fastapi_esdb.connection.state import ConnectionState
    from fastapi_esdb.plugin.sync_decisions import DecideCall, LoadCall, RawCall
    from fastapi_esdb.plugin.sync_parts import (
        SyncCluster,
        SyncIndexes,
        SyncOperations,
        SyncPersistentSubscriptions,
        SyncProjections,
        SyncSchemas,
        SyncUsers,
    )
    from fastapi_esdb.pool.hooks import Hook
    from fastapi_esdb.settings.credentials import AnyCredentials, CredentialsProvider


class SyncConnection(Blocking[Connection]):
    """`Connection` for threads: all of its calls but subscriptions, under the same names, with the same arguments.

    It blocks the calling thread, never the loop that they run on. `read` and `read_all` give lists: give them a
    `limit`. `stats` is iterated with `for`. `decide` has the event loop call the function that decides.
    For subscriptions, consumers and decisions about several streams use an `async def` endpoint.
    Calling it on the event loop's own thread raises `WrongEventLoop`, since it would wait for itself.
    """

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(connection, loop or asyncio.get_running_loop())

    append = blocking(Connection.append)
    append_streams = blocking(Connection.append_streams)
    append_session = blocking(Connection.append_session)
    append_records = blocking(Connection.append_records)
    load: LoadCall = cast("LoadCall", blocking(Connection.load))
    decide: DecideCall = cast("DecideCall", blocking(Connection.decide))
    read = listing(Connection.read)
    read_all = listing(Connection.read_all)
    last_revision = blocking(Connection.last_revision)
    delete = blocking(Connection.delete)
    tombstone = blocking(Connection.tombstone)
    get_metadata = blocking(Connection.get_metadata)
    set_metadata = blocking(Connection.set_metadata)
    set_default_acl = blocking(Connection.set_default_acl)
    stats = iterating(Connection.stats)
    call: RawCall = cast("RawCall", blocking(Connection.call))
    call_streaming = iterating(Connection.call_streaming)

    wait_connected = blocking(Connection.wait_connected)
    ping = blocking(Connection.ping)
    close = blocking(Connection.close)
    connect = blocking(Connection.connect)
    reconnect = blocking(Connection.reconnect)

    def bound(
        self,
        *,
        credentials: AnyCredentials | CredentialsProvider | None = None,
        timeout: float | None = None,
        requires_leader: bool | None = None,
    ) -> SyncConnection:
        """See `Connection.bound`."""
        view = self._target.bound(credentials=credentials, timeout=timeout, requires_leader=requires_leader)
        return SyncConnection(view, self._loop)

    @property
    def is_connected(self) -> bool:
        """See `Connection.is_connected`."""
        return self._target.is_connected

    @property
    def state(self) -> ConnectionState:
        """See `Connection.state`."""
        return self._target.state

    @property
    def server_version(self) -> str | None:
        """See `Connection.server_version`."""
        return self._target.server_version

    def on_connect(self, hook: Hook) -> Hook:
        """See `Connection.on_connect`; the hook runs on the event loop."""
        return self._target.on_connect(hook)

    def on_disconnect(self, hook: Hook) -> Hook:
        """See `Connection.on_disconnect`; the hook runs on the event loop."""
        return self._target.on_disconnect(hook)

    # Loaded when it is used, as in `Connection`.

    @cached_property
    def persistent_subscriptions(self) -> SyncPersistentSubscriptions:
        """See `Connection.persistent_subscriptions`; consumers are for `async def` endpoints."""
        from fastapi_esdb.plugin.sync_parts import SyncPersistentSubscriptions  # noqa: PLC0415

        return SyncPersistentSubscriptions(self._target.persistent_subscriptions, self._loop)

    @cached_property
    def projections(self) -> SyncProjections:
        """See `Connection.projections`."""
        from fastapi_esdb.plugin.sync_parts import SyncProjections  # noqa: PLC0415

        return SyncProjections(self._target.projections, self._loop)

    @cached_property
    def users(self) -> SyncUsers:
        """See `Connection.users`."""
        from fastapi_esdb.plugin.sync_parts import SyncUsers  # noqa: PLC0415

        return SyncUsers(self._target.users, self._loop)

    @cached_property
    def operations(self) -> SyncOperations:
        """See `Connection.operations`."""
        from fastapi_esdb.plugin.sync_parts import SyncOperations  # noqa: PLC0415

        return SyncOperations(self._target.operations, self._loop)

    @cached_property
    def indexes(self) -> SyncIndexes:
        """See `Connection.indexes`."""
        from fastapi_esdb.plugin.sync_parts import SyncIndexes  # noqa: PLC0415

        return SyncIndexes(self._target.indexes, self._loop)

    @cached_property
    def schemas(self) -> SyncSchemas:
        """See `Connection.schemas`."""
        from fastapi_esdb.plugin.sync_parts import SyncSchemas  # noqa: PLC0415

        return SyncSchemas(self._target.schemas, self._loop)

    @cached_property
    def cluster(self) -> SyncCluster:
        """See `Connection.cluster`."""
        from fastapi_esdb.plugin.sync_parts import SyncCluster  # noqa: PLC0415

        return SyncCluster(self._target.cluster, self._loop)
