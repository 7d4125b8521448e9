"""Calls on a node that is not the leader (protocol 1.3): which of them the leader gets, passed on as bytes."""

from __future__ import annotations

import asyncio
import enum
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.wire.admin import operations, users
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.admin.indexes import CREATE_INDEX, GET_INDEX, LIST_INDEXES
from fastapi_esdb.wire.admin.monitoring import STATS
from fastapi_esdb.wire.errors import (
    ConnectionLost,
    ConnectionRefused,
    EsdbError,
    NotLeader,
    ServerNotReady,
    ServerShuttingDown,
    ServerTimeout,
)
from fastapi_esdb.wire.groups.methods import GROUP_INFO, LIST_GROUPS, READ_GROUP
from fastapi_esdb.wire.headers import KnownHeaders
from fastapi_esdb.wire.method import Method, Shape
from fastapi_esdb.wire.projections.methods import CREATE_PROJECTION
from fastapi_esdb.wire.quiet_grpc import grpc
from fastapi_esdb.wire.schemas import methods as schemas
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.translation import error_of
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS

FORWARD_TIMEOUT = 4.3
"""Seconds that the leader has to answer (protocol 1.3), once the client has sent everything."""

OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
]

AnyCall = Call[Any, Any]


class Route(enum.Enum):
    """The node that carries out a call."""

    ANY_NODE = "any node, whatever it is doing"
    REPLICA = "a follower, too"
    FORWARDED = "the leader, to which a follower passes it on unless it is asked not to"
    LEADER = "the leader, which a follower names"
    READY_LEADER = "the leader, and a follower says that it is not ready"


_OF_SERVICES = {
    GOSSIP.service: Route.ANY_NODE,
    SUPPORTED_METHODS.service: Route.ANY_NODE,
    STATS.service: Route.ANY_NODE,
    operations.SHUTDOWN.service: Route.ANY_NODE,
    APPEND.service: Route.FORWARDED,
    users.CREATE_USER.service: Route.FORWARDED,
    READ_GROUP.service: Route.LEADER,
    CREATE_PROJECTION.service: Route.LEADER,
    APPEND_RECORDS.service: Route.LEADER,
    CREATE_INDEX.service: Route.FORWARDED,
    schemas.CREATE_SCHEMA.service: Route.FORWARDED,
}
_OF_METHODS = {
    READ: Route.REPLICA,
    users.USER_DETAILS: Route.REPLICA,
    GET_INDEX: Route.REPLICA,
    LIST_INDEXES: Route.REPLICA,
    schemas.GET_SCHEMA: Route.REPLICA,
    schemas.LIST_SCHEMAS: Route.REPLICA,
    schemas.LOOKUP_SCHEMA_NAME: Route.REPLICA,
    schemas.GET_VERSION: Route.REPLICA,
    schemas.GET_VERSION_BY_ID: Route.REPLICA,
    schemas.LIST_VERSIONS: Route.REPLICA,
    schemas.LIST_REGISTERED: Route.REPLICA,
    schemas.CHECK_COMPATIBILITY: Route.REPLICA,
    GROUP_INFO: Route.READY_LEADER,
    LIST_GROUPS: Route.READY_LEADER,
    operations.RESTART_PERSISTENT_SUBSCRIPTIONS: Route.FORWARDED,
    operations.START_SCAVENGE: Route.FORWARDED,
    operations.STOP_SCAVENGE: Route.FORWARDED,
}
"""Those that differ from the rest of their service.

A real node scavenges its own files; here there is nothing to free, and what a scavenge tells of itself are writes.
"""


def route_of(method: Method[Any, Any]) -> Route:
    """Return the node that carries out calls of the method."""
    return _OF_METHODS.get(method, _OF_SERVICES[method.service])


def call_socket(directory: Path, node: int) -> str:
    """Return the socket on which a node takes the calls that others pass on."""
    return f"unix:{directory / f'{node}.calls'}"


class Forwarder:
    """Passes calls on from one node."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._channels: dict[int, grpc.aio.Channel] = {}
        self._relays: dict[asyncio.Task[None], int] = {}

    async def carry_out(self, call: AnyCall, leader: int) -> None:
        """Have the leader carry out a call. Raises what it failed with.

        That is ServerNotReady where the leader did nothing, and ServerTimeout where nobody knows.
        """
        relay = asyncio.create_task(self._relay(call, leader))
        relay.add_done_callback(_look_at)
        self._relays[relay] = leader
        try:
            await asyncio.wait([relay])
        finally:
            del self._relays[relay]
            relay.cancel()
        if relay.cancelled():
            raise ServerTimeout
        relay.result()

    def leader_changed(self, leader: int | None) -> None:
        """Give up what was passed on to another node: it may answer for ever without being the leader."""
        for relay, node in self._relays.items():
            if node != leader:
                relay.cancel()

    async def close(self) -> None:
        """End all connections."""
        for channel in self._channels.values():
            await channel.close()

    async def _relay(self, call: AnyCall, leader: int) -> None:
        headers = KnownHeaders(call.headers.authorization, requires_leader=True, connection_name=call.connection_name)
        method: Any = self._channel(leader).stream_stream(call.method.path)
        upstream = method(metadata=headers.pairs(), timeout=call.seconds_left)
        sending = asyncio.create_task(_pass_requests(call, upstream))
        try:
            await _pass_responses(call, upstream, sending)
        finally:
            upstream.cancel()
            sending.cancel()
            await asyncio.wait([sending])

    def _channel(self, node: int) -> grpc.aio.Channel:
        channel = self._channels.get(node)
        if channel is None:
            channel = self._channels[node] = grpc.aio.insecure_channel(call_socket(self._directory, node), OPTIONS)
        return channel


async def _pass_requests(call: AnyCall, upstream: Any) -> None:
    """Pass requests on until they end, or the call does, which is told by reading its responses."""
    with suppress(grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
        while (raw := await call.receive_raw()) is not grpc.aio.EOF:
            await upstream.write(raw)
        if call.method.shape is Shape.CLIENT_STREAM:
            await call.ended()
        await upstream.done_writing()


async def _pass_responses(call: AnyCall, upstream: Any, sending: asyncio.Task[None]) -> None:
    is_duplex = call.method.shape is Shape.DUPLEX
    if not is_duplex:
        await sending
    try:
        async with asyncio.timeout(None if is_duplex else FORWARD_TIMEOUT):
            while (raw := await upstream.read()) is not grpc.aio.EOF:
                await call.send_raw(raw)
    except TimeoutError:
        raise ServerTimeout from None
    except grpc.aio.AioRpcError as error:
        raise _translated(error) from error


def _translated(error: grpc.aio.AioRpcError) -> EsdbError:
    """Return the error for the client: if the other node is gone, it was the leader, and there is none now."""
    told = error_of(StatusCode[error.code().name], error.details(), tuple(error.trailing_metadata() or ()))
    if isinstance(told, ConnectionRefused | NotLeader):
        return ServerNotReady()
    return ServerTimeout() if isinstance(told, ConnectionLost | ServerShuttingDown) else told


def _look_at(relay: asyncio.Task[None]) -> None:
    """Look at a result that nobody may wait for any more, so that asyncio does not warn of it."""
    if not relay.cancelled():
        relay.exception()
