"""Appends that wait while a call is in flight go together in the next."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import Secret

from fastapi_esdb.connection.alarm import Alarm
from fastapi_esdb.connection.call import unary_encoded
from fastapi_esdb.errors import NotSentInTime
from fastapi_esdb.pool.appends.append_batch import Group, MadeApart, Member, convicted, next_group, results
from fastapi_esdb.wire.errors import (
    ConsistencyViolation,
    DeadlineExceeded,
    EsdbError,
    NoAnswer,
    NotAuthenticated,
    NotSupported,
    Outcome,
)
from fastapi_esdb.wire.errors.unreadable import unreadable
from fastapi_esdb.wire.streams_v2.append_batches import encode_part
from fastapi_esdb.wire.streams_v2.requests import APPEND_RECORDS

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.pool.lease_source import LeaseSource
    from fastapi_esdb.settings.node_preference import NodePreference
    from fastapi_esdb.wire.headers import CallHeaders
    from fastapi_esdb.wire.streams.values import AppendRequest
    from fastapi_esdb.wire.streams_v2.values import StreamsAppended

logger = logging.getLogger("fastapi_esdb")


class GroupedAppends:
    """Has one AppendRecords call in flight at a time, which writes for all who waited when it left, or for none."""

    def __init__(self, lease: LeaseSource, headers: CallHeaders, preference: NodePreference) -> None:
        self._lease = lease
        self._headers = headers
        self._preference = preference
        self.awaits_place = False
        """Whether a group waits until it can be sent. Who comes then has a wait of its own, and joins one after it."""
        self._waiting: deque[Member] = deque()
        self._again: deque[Group] = deque()
        """What others were the reason for, and goes before anything else."""
        self._current = Group()
        self._lacking: Channel | None = None
        """A channel to a server without the call."""
        self._alarm = Alarm(self._look)
        self._work: asyncio.Task[None] | None = None

    def take(self, request: AppendRequest, deadline: Deadline, *, leaves_time: bool = False) -> Member | None:
        """Have the append made with others. `None` where it is not one for a group.

        Its answer is the result, the error that it failed with, or `MadeApart` where that has turned out.
        """
        part = None if self._is_lacking else encode_part(request)
        if part is None:
            return None
        loop = asyncio.get_running_loop()
        member = Member(request, deadline, loop.create_future(), part=part, leaves_time=leaves_time)
        self._waiting.append(member)
        self._alarm.set(deadline.at)
        if self._work is None or self._work.done():
            self._work = loop.create_task(self._send_all(), name="esdb-append-groups")
        return member

    @property
    def _is_lacking(self) -> bool:
        return self._lacking is not None and self._lacking.takes_calls

    async def _send_all(self) -> None:
        while group := self._next():
            self._current = group
            await self._send(group)
        self._current = Group()
        self._alarm.stop()

    def _next(self) -> Group:
        while self._again:
            if group := Group(member for member in self._again.popleft() if not member.answer.done()):
                return group
        return next_group(self._waiting)

    async def _send(self, group: Group) -> None:
        try:
            await self._send_at_once(group)
        except Exception as error:  # whatever it is, those who wait must hear of it
            logger.exception("a group of appends broke off")
            _fail(group, unreadable(error))

    async def _send_at_once(self, group: Group) -> None:
        try:
            done = await self._call(group)
        except EsdbError as error:
            self._failed(group, error)
        else:
            _finish(group, done)

    async def _call(self, group: Group) -> StreamsAppended:
        deadline = max(member.deadline for member in group)
        with await self._place(deadline) as lease:
            # whoever was told while the place was waited for that his append was not sent must be right
            group.drop_ended()
            if not group:
                raise NotSentInTime
            now = monotonic()
            for member in group:
                member.channel = lease.channel
                member.leave(now)
            self._alarm.set(min(member.deadline.at for member in group))
            deadline = max(member.deadline for member in group)
            try:
                return await unary_encoded(lease, APPEND_RECORDS, Secret(group.data), deadline, self._headers)
            except NotSupported:
                self._lacking = lease.channel
                raise

    async def _place(self, deadline: Deadline) -> Lease:
        self.awaits_place = True
        try:
            return await self._lease(self._preference, deadline, long_lived=False, avoid=None)
        finally:
            self.awaits_place = False

    def _failed(self, group: Group, error: EsdbError) -> None:
        """All hear of what concerns all; of what concerns some, only they do, and the others go again."""
        if isinstance(error, NotSupported):
            _fail(group, MadeApart())
        elif isinstance(error, ConsistencyViolation):
            self._violated(group, error)
        elif error.outcome is Outcome.ANSWERED and not isinstance(error, NotAuthenticated):
            self._split(group)
        else:
            _fail(group, error)

    def _violated(self, group: Group, error: ConsistencyViolation) -> None:
        guilty = convicted(group, error)
        if not guilty:
            self._split(group)
            return
        for member, verdict in guilty.items():
            member.finish(verdict)
        self._send_again(Group(member for member in group if member not in guilty))

    def _split(self, group: Group) -> None:
        """Look for the one that the server refuses; it hears why in a call of v1, as it would without groups."""
        if len(group) == 1:
            _fail(group, MadeApart())
        else:
            self._send_again(*group.halves())

    def _send_again(self, *groups: Group) -> None:
        """Nothing of them was written."""
        for group in groups:
            for member in group:
                member.channel = None
        self._again.extendleft(reversed(groups))

    def _look(self) -> None:
        """Give up what has come to its deadline."""
        now = monotonic()
        alive = [member for member in self._members() if not member.answer.done()]
        try:
            for member in alive:
                if member.deadline.at <= now:
                    _give_up(member)
        finally:
            if left := [member.deadline.at for member in alive if not member.answer.done()]:
                self._alarm.set(min(left))

    def _members(self) -> list[Member]:
        again = (member for group in self._again for member in group)
        return [*self._current, *again, *self._waiting]


def _give_up(member: Member) -> None:
    if member.channel is None:
        member.finish(NotSentInTime())
    else:
        member.finish(DeadlineExceeded())
        member.channel.suspect(lost=False)


def _finish(group: Group, done: StreamsAppended) -> None:
    for member, result in zip(group, results(group, done), strict=True):
        member.finish(result or NoAnswer())


def _fail(group: Group, error: EsdbError) -> None:
    for member in group:
        member.fail(error)
