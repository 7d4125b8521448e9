"""What becomes of the calls on a node that was left for another one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.gossip import says_not_ready
from fastapi_esdb.connection.probe import ask_server

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel

LAST_WORD = 1.0
"""Seconds that a node has to show that it is still there."""

TO_FOLLOW = 5.0
"""Seconds that a node has to find the one that leads instead of it; most take one or two."""

PAUSE = 0.5
"""Seconds between two questions whether it has."""


async def give_up_if_of_no_use(channel: Channel) -> None:
    """Have the calls on the channel fail with `ConnectionLost` unless the node goes on with them.

    A node that was only deposed goes on serving what it has begun. One that is frozen never ends a call, and one that
    the others can't reach hears of nothing new: those who wait for it could be with the new node meanwhile.
    """
    if await _is_mute(channel) or await _is_cut_off(channel):
        channel.give_up()


async def _is_mute(channel: Channel) -> bool:
    try:
        await ask_server(channel, Deadline.after(LAST_WORD))
    except Exception:
        return True
    return False


async def _is_cut_off(channel: Channel) -> bool:
    """Whether it has not become a part of the cluster again."""
    until = Deadline.after(TO_FOLLOW)
    while await says_not_ready(channel):
        if not until.left():
            return True
        await asyncio.sleep(PAUSE)
    return False
