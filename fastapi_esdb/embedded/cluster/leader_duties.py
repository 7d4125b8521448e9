"""The leader's duties beside answering calls, from its election to its end."""

from __future__ import annotations

import asyncio
import logging

from fastapi_esdb.embedded.cluster.quorum import Quorum
from fastapi_esdb.embedded.membership import LeaderWork
from fastapi_esdb.wire.errors import EsdbError

log = logging.getLogger(__name__)

HAND_OVER_TIMEOUT = 2.0
"""Seconds that a successor has to get the rest of the log."""


class LeaderDuties:
    """Does the leader's duties whenever this node leads. `is_resigning` tells whether it is to hand over."""

    def __init__(self, quorum: Quorum, work: LeaderWork) -> None:
        self._quorum = quorum
        self._work = work
        self._successor: int | None = None
        self.is_resigning = False

    def resign(self, successor: int | None = None) -> None:
        """Hand over to a node, or to the one that is best prepared. Nothing happens if this one does not lead."""
        if self._quorum.is_serving:
            self.is_resigning, self._successor = True, successor
            self._quorum.wake()

    async def run(self) -> None:
        """Do the duties whenever this node is elected, until cancelled."""
        consensus = self._quorum.consensus
        while True:
            await self._quorum.until(lambda: consensus.may_write)
            try:
                await self._hold()
            except EsdbError as error:
                log.warning("the leader ended its work early: %s", error)
            if self.is_resigning:
                await self._hand_over()

    async def _hold(self) -> None:
        consensus = self._quorum.consensus
        async with self._work():
            self._quorum.serve(is_serving=True)
            try:
                await self._quorum.until(lambda: self.is_resigning or not consensus.may_write)
            finally:
                self._quorum.serve(is_serving=False)

    async def _hand_over(self) -> None:
        """Hand over. The successor has everything before it takes over, so that no write has an unknown outcome."""
        consensus = self._quorum.consensus
        if consensus.resign(self._successor):
            self._quorum.notice()
            try:
                async with asyncio.timeout(HAND_OVER_TIMEOUT):
                    await self._quorum.until(lambda: consensus.leading is None)
            except TimeoutError:
                consensus.stay()
        self.is_resigning = False
        self._quorum.wake()
