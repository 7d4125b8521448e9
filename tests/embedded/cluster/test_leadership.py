"""What a leader sends."""

from __future__ import annotations

from fastapi_esdb.embedded.cluster.leadership import BATCH, BURST, Leadership
from fastapi_esdb.embedded.cluster.messages import Append, Appended, Attach, Message
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import utc_now
from fastapi_esdb.embedded.store.epochs import Extent
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.embedded.store.transactions import end_of
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.cluster.simulation import Anything
from tests.support.bare_client import event


async def test_a_follower_that_lacks_much() -> None:
    """It gets its log a few messages at a time, as it answers, so that nobody waits for a leader that makes them."""
    async with ReplicatedDatabase(Anything(), clock=utc_now, limits=Limits()) as log:
        sent: list[Message] = []
        leading = Leadership(1, log, [1], lambda _, message: sent.append(message), lambda: 0.0)
        for _ in range(100):
            await log.append("a", ANY, [event(data=bytes(BATCH // 4))])
        leading.attach(1, Attach(1, Extent((), 0)))
        end, rounds = 0, 0
        while end < log.log_end:
            batches = [message for message in sent if isinstance(message, Append) and message.transactions]
            assert 0 < len(batches) <= 2 * BURST
            sent.clear()
            end = end_of(batches[-1].transactions)
            leading.appended(1, Appended(1, end, 0.0))
            rounds += 1
        assert rounds > 5
