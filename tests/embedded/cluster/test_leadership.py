"""What a leader sends."""

from __future__ import annotations

from fastapi_esdb.embedded.cluster.leadership import BATCH, BURST, Leadership
from fastapi_esdb.embedded.cluster.messages import Append, Appended, Attach, Message
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import utc_now
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.embedded.store.transactions import Extent
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
            batches = [message for message in sent if isinstance(message, Append) and message.section.rows]
            assert 0 < len(batches) <= 2 * BURST
            sent.clear()
            end = batches[-1].section.end
            leading.appended(1, Appended(1, end, 0.0))
            rounds += 1
        assert rounds > 5


async def test_most_nodes_have_half_a_write() -> None:
    """What they have of it is not durable before they have all of it."""
    async with ReplicatedDatabase(Anything(), clock=utc_now, limits=Limits()) as log:
        leading = Leadership(1, log, [1, 2], lambda *_: None, lambda: 0.0)
        start = log.log_end
        await log.append("a", ANY, [event() for _ in range(3)])
        half = log.section(start, 1)
        assert not half.is_whole
        for end, durable in ((half.end, start), (log.log_end, log.log_end)):
            leading.appended(1, Appended(1, end, 0.0))
            assert log.durable_end == durable
