"""The RPCs of persistent subscriptions, except for the conversation with consumers."""

from __future__ import annotations

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.services.filters import check_filter
from fastapi_esdb.embedded.services.groups.conversation import Conversation, ReadCall
from fastapi_esdb.embedded.services.groups.directory import Groups
from fastapi_esdb.wire.errors import GroupFailed, InvalidArgument
from fastapi_esdb.wire.groups.values import (
    ALL,
    CreateGroup,
    GroupInfo,
    GroupName,
    GroupReadOptions,
    ListGroups,
    ReplayParked,
    UpdateGroup,
)

SYSTEM = "system"
"""The user of every call on a server without users."""

ALL_IS_NO_STREAM = "Persistent subscriptions to $all are only supported over gRPC through gRPC clients"
NEGATIVE_STOP = "Cannot stop replaying parked message at a negative version."
"""The texts of a server for these, in a trailer."""


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
            check_filter(request.filter)
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
