"""The PersistentSubscriptions service: its RPCs, the conversation with consumers among them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.binding import Binding
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.groups.consumer import Consumer, Subscriber
from fastapi_esdb.embedded.groups.message import Message
from fastapi_esdb.embedded.services.groups.directory import Groups
from fastapi_esdb.embedded.services.groups.running import RunningGroup
from fastapi_esdb.embedded.store.filters import compile_filter
from fastapi_esdb.wire.admin.operations import RESTART_PERSISTENT_SUBSCRIPTIONS
from fastapi_esdb.wire.errors import GroupDropped, GroupFailed, InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.methods import (
    CREATE_GROUP,
    DELETE_GROUP,
    GROUP_INFO,
    LIST_GROUPS,
    READ_GROUP,
    REPLAY_PARKED,
    RESTART_GROUPS,
    TRUNCATE_PARKED,
    UPDATE_GROUP,
)
from fastapi_esdb.wire.groups.values import (
    Ack,
    CreateGroup,
    GroupConfirmed,
    GroupEvent,
    GroupInfo,
    GroupName,
    GroupReadFrame,
    GroupReadOptions,
    GroupReadRequest,
    ListGroups,
    Nack,
    ReplayParked,
    TruncateParked,
    UpdateGroup,
)
from fastapi_esdb.wire.streams.values import ALL

ReadCall = Call[GroupReadRequest, GroupReadFrame]

UNKNOWN = "<unknown>"
"""The word of a server for a connection without a name."""

SYSTEM = "system"
"""The user of every call on a server without users."""

ALL_IS_NO_STREAM = "Persistent subscriptions to $all are only supported over gRPC through gRPC clients"
NEGATIVE_STOP = "Cannot stop replaying parked message at a negative version."
NEGATIVE_TRUNCATION = "Cannot truncate parked messages at a negative version."
"""The texts of a server for these, in a trailer."""


class Conversation:
    """A Read call: one task takes acknowledgements, another one sends events, also to a client that has half-closed.

    Raises GroupFull. Ends with GroupDropped when the group disconnects its consumers.
    """

    def __init__(self, call: ReadCall, options: GroupReadOptions, group: RunningGroup, username: str) -> None:
        self._call = call
        self._options = options
        self._group = group
        self._wake = asyncio.Event()
        self._problem: BaseException | None = None
        name = call.connection_name or UNKNOWN
        self._consumer: Consumer = group.join(Subscriber(options.buffer_size, self._wake.set, name, username))

    async def run(self) -> None:
        answers = asyncio.create_task(self._take_acknowledgements())
        answers.add_done_callback(self._notice)
        try:
            await self._call.send(GroupConfirmed(self._group.id))
            await self._send_events()
        finally:
            self._group.leave(self._consumer)
            answers.cancel()
            await asyncio.wait([answers])

    def _notice(self, answers: asyncio.Task[None]) -> None:
        """Take note that the client has half-closed or is gone, or has sent something else than an acknowledgement."""
        if not answers.cancelled() and answers.exception():
            self._problem = answers.exception()
            self._wake.set()

    async def _take_acknowledgements(self) -> None:
        """Raise InvalidArgument for anything but an acknowledgement."""
        async for answer in self._call:
            if isinstance(answer, Ack):
                self._group.acknowledge(answer.ids)
            elif isinstance(answer, Nack):
                self._group.refuse(answer.ids, answer.action, answer.reason)
            else:
                raise InvalidArgument("a consumer gives its options once, in its first request; then acks and nacks")

    async def _send_events(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._consumer.outbox and not self._consumer.is_dropped:
                await self._call.send(self._frame(self._consumer.outbox.popleft()))
            if self._consumer.is_dropped:
                raise GroupDropped(self._options.stream or ALL, self._options.group)
            if self._problem:
                raise self._problem

    def _frame(self, message: Message) -> GroupEvent:
        return GroupEvent(_delivered(message.record), message.retry_count, self._options.structured_ids)


def _delivered(record: RecordedEvent) -> RecordedEvent:
    """Servers give a linked event the position of its link here (protocol 2.7)."""
    if record.link is None or record.is_unresolved_link:
        return record
    return replace(record, position=record.link.position)


class GroupService:
    """Manages and describes groups and admits consumers. Operators manage; all else is open to any user."""

    def __init__(self, groups: Groups, access: Access) -> None:
        self._groups = groups
        self._access = access

    async def create(self, call: Call[CreateGroup, None]) -> None:
        """Add a group."""
        request = await call.request()
        _require_stream(request)
        if request.filter:
            compile_filter(request.filter)  # the name of an index is a prefix like others here, which matches nothing
        await self._groups.create(request, _name(call.user))
        await call.send(None)

    async def update(self, call: Call[UpdateGroup, None]) -> None:
        """Change a group; its consumers are disconnected."""
        request = await call.request()
        _require_stream(request)
        await self._groups.update(request, _name(call.user))
        await call.send(None)

    async def delete(self, call: Call[GroupName, None]) -> None:
        """Remove a group; its consumers are disconnected."""
        request = await call.request()
        _require_stream(request)
        await self._groups.delete(request.stream, request.group, _name(call.user))
        await call.send(None)

    async def read(self, call: ReadCall) -> None:
        """Deliver events until the client goes or is disconnected."""
        options = await call.first()
        if not isinstance(options, GroupReadOptions):
            raise InvalidArgument("the first request of a consumer must be its options")
        self._access.require(call.caller, options.stream or ALL, Right.READ)
        group = self._groups.find(options.stream, options.group)
        await Conversation(call, options, group, _name(call.user)).run()

    async def info(self, call: Call[GroupName, GroupInfo]) -> None:
        """Describe a group."""
        request = await call.request()
        await call.send(self._groups.find(request.stream, request.group).information())

    async def list_groups(self, call: Call[ListGroups, tuple[GroupInfo, ...]]) -> None:
        """Describe the groups of one source, or all groups."""
        request = await call.request()
        groups = self._groups.of_all_sources() if request.source is None else self._groups.of_source(request.source)
        await call.send(tuple(group.information() for group in groups))

    async def replay_parked(self, call: Call[ReplayParked, None]) -> None:
        """Begin a replay of parked events, and answer then."""
        request = await call.request()
        if request.stop_at is not None and request.stop_at < 0:
            raise GroupFailed(request.stream or ALL, request.group, NEGATIVE_STOP)
        self._groups.find(request.stream, request.group).replay(request.stop_at)
        await call.send(None)

    async def truncate_parked(self, call: Call[TruncateParked, None]) -> None:
        """Drop parked events."""
        request = await call.request()
        if request.stop_at is not None and request.stop_at < 0:
            raise GroupFailed(request.stream or ALL, request.group, NEGATIVE_TRUNCATION)
        await self._groups.find(request.stream, request.group).truncate_parked(request.stop_at)
        await call.send(None)

    async def restart(self, call: Call[None, None]) -> None:
        """Restart all groups; all consumers are disconnected."""
        await call.request()
        await self._groups.restart()
        await call.send(None)


def _name(user: str | None) -> str:
    return user or SYSTEM


def _require_stream(request: CreateGroup | UpdateGroup | GroupName) -> None:
    """Raise GroupFailed for `$all` in place of a stream's name."""
    if request.stream == ALL:
        raise GroupFailed(ALL, request.group, ALL_IS_NO_STREAM)


def bind_groups(binding: Binding, groups: Groups, access: Access) -> None:
    """Bind the service, and the operation that restarts it."""
    service = GroupService(groups, access)
    binding.bind(CREATE_GROUP, service.create)
    binding.bind(UPDATE_GROUP, service.update)
    binding.bind(DELETE_GROUP, service.delete)
    binding.bind(READ_GROUP, service.read)
    binding.bind(GROUP_INFO, service.info)
    binding.bind(LIST_GROUPS, service.list_groups)
    binding.bind(REPLAY_PARKED, service.replay_parked)
    binding.bind(TRUNCATE_PARKED, service.truncate_parked)
    binding.bind(RESTART_GROUPS, service.restart)
    binding.bind(RESTART_PERSISTENT_SUBSCRIPTIONS, service.restart)
