"""What becomes of the calls on a node that was left for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.probe import ask_server
from fastapi_esdb.wire.errors import EsdbError

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel

LAST_WORD = 1.0
"""Seconds that a node has to show that it is still there."""


async def give_up_if_mute(channel: Channel) -> None:
    """Have the calls on the channel fail with `ConnectionLost` unless the node answers.

    A node that was only deposed goes on serving what it has begun. One that is frozen never ends a call: those who wait
    for it could be with the new node meanwhile.
    """
    try:
        await ask_server(channel, Deadline.after(LAST_WORD))
    except EsdbError:
        channel.give_up()
