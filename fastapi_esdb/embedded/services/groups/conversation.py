"""PersistentSubscriptions.Read: a consumer receives events and acknowledges them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.groups.consumer import Consumer, Subscriber
from fastapi_esdb.embedded.groups.message import Message
from fastapi_esdb.embedded.services.groups.running import RunningGroup
from fastapi_esdb.wire.errors import GroupDropped, InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import (
    ALL,
    Ack,
    GroupConfirmed,
    GroupEvent,
    GroupReadFrame,
    GroupReadOptions,
    GroupReadRequest,
    Nack,
)

ReadCall = Call[GroupReadRequest, GroupReadFrame]

UNKNOWN = "<unknown>"
"""The word of a server for a connection without a name."""


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
