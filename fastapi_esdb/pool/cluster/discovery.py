"""Finding the node of a cluster to connect to, for all connections of a pool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.connector import Endpoint, Failures
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.rpc_errors import explain
from fastapi_esdb.errors import NoUsableNode
from fastapi_esdb.log import log
from fastapi_esdb.pool.cluster.gossip_poller import GossipPoller
from fastapi_esdb.pool.cluster.topology import believable, candidates, hosts_of
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.wire.errors.unreadable import quoted

if TYPE_CHECKING:
    from fastapi_esdb.connection.wakeup import Wakeup
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.wire.admin.cluster import Member
    from fastapi_esdb.wire.errors import EsdbError


REST = 0.2
"""Seconds that a node is left alone after a failed attempt to connect to it."""

MOST_TOLD = 3
"""Odd hosts that are logged of one answer."""

MOST_ENDPOINTS = 200
"""Hosts whose attempts are kept apart, before those are forgotten where none is made."""

PAUSES = Backoff(first=0.2, limit=10.0)
"""After polling broke off, which it should not."""


class Discovery:
    """Finds the node to connect to; see `connection.endpoints.Hosts`.

    As long as any connection looks for a node, all known nodes are asked for the members of the cluster. The first
    answer with a usable node wins.

    After a failure the others go on naming the failed node for a while (a dead leader for about a second, a frozen one
    for five). So during that time a suspect is used again only when it has answered for itself since. It is asked
    like the others, and before a node of another kind takes its place.
    """

    def __init__(self, name: str, target: ConnectionString, tell: Callable[[], None] | None = None) -> None:
        self.failures = 0
        """Failed attempts: rounds of questions without a node to go to, and attempts to connect to one.

        `tell` is called when that has grown by a round.
        """
        self.last_error: EsdbError | None = None
        """Why there is no node to connect to; `None` as long as that is not known, and while there is one."""
        self.last_failure: EsdbError | None = None
        """Why there was no node the last time that there was none."""
        self._name = name
        self._target = target
        self._tell = tell
        self._preference = target.options.node_preference
        self._endpoints: dict[Host, Endpoint] = {}
        self._known: set[Host] = set()
        self._suspects = Suspects()
        self._leader: Host | None = None
        self._seekers: set[asyncio.Future[Host]] = set()
        self._poller: GossipPoller | None = None
        self._polling: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints = Failures()

    @property
    def has_ended(self) -> bool:
        """Return whether nothing of it runs."""
        return not self._tasks

    async def ended(self) -> None:
        """Wait until nothing of it runs any more; nobody may be looking for a node then."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def next_endpoint(self) -> Endpoint:
        """Return the endpoint to try now. While another connection tries the same one, wait for the outcome first."""
        while True:
            host = await self.find()
            endpoint = self._endpoint(host)
            if not endpoint.knock.locked():
                return endpoint
            async with endpoint.knock:
                pass  # now that the attempt is over, another node may be the one to try

    def _endpoint(self, host: Host) -> Endpoint:
        if len(self._endpoints) >= MOST_ENDPOINTS:
            self._endpoints = {host: one for host, one in self._endpoints.items() if one.knock.locked()}
        return self._endpoints.setdefault(host, Endpoint(host))

    async def find(self) -> Host:
        """Ask for the node to connect to until there is one, and return it."""
        if self._leader is not None:
            return self._leader
        seeker: asyncio.Future[Host] = asyncio.get_running_loop().create_future()
        self._seekers.add(seeker)
        self._begin()
        try:
            return await seeker
        finally:
            self._seekers.discard(seeker)
            self._end_if_idle()

    def forget(self) -> None:
        """Forget the leader, so that the nodes are asked the next time."""
        self._leader = None

    def accepts(self, host: Host) -> bool:
        """Return whether nothing has spoken against the node while it was being connected to."""
        if host in self._suspects:
            return False
        self._complaints.over()
        return True

    def failed(self, host: Host) -> None:
        """Leave a node alone for a moment, since an attempt to connect to it has failed."""
        self.failures += 1
        self._suspect(host, REST)

    def suspect(self, host: Host) -> None:
        """Suspect a node: only its own answer counts now, not that others name it."""
        self._suspect(host, 0.0)

    def redirected(self, refused: Host, leader: Host | None) -> None:
        """Go to the leader that a node has named when it refused a call, unless that one failed just now."""
        self.suspect(refused)
        if leader is not None and leader not in self._suspects:
            self._settle(leader)
            for seeker in self._seekers:
                self._give(seeker, leader)

    def heard(self, asked: Host, members: Sequence[Member]) -> None:
        """See `GossipListener`."""
        members = self._believed(members)
        found = hosts_of(members)
        self._known = set(found)
        if self._poller is not None:
            self._poller.include(found)
        if asked in self._candidates(asked, members):
            self._suspects.answered(asked)
        for seeker in self._seekers:
            if (host := self._choose(self._candidates(asked, members))) is not None:
                self._give(seeker, host)
        self._complain(NoUsableNode(self._preference, len(members)))

    def _believed(self, members: Sequence[Member]) -> Sequence[Member]:
        believed = believable(members)
        if odd := [quoted(member.host) for member in members if member not in believed]:
            hosts = ", ".join(odd[:MOST_TOLD])
            text = f"{self._name}: gossip names hosts that are none: {hosts}"
            log.debug("odd_gossip", text, pool=self._name, hosts=hosts)
        return believed

    def missed(self, error: EsdbError) -> None:
        """See `GossipListener`. A node's answer counts for more than another one's silence."""
        if not isinstance(self.last_error, NoUsableNode):
            self._complain(error)

    def asked(self, rounds: int) -> None:
        """See `GossipListener`."""
        if self._is_sought:
            self.failures += rounds
            if self._tell is not None:
                self._tell()

    @property
    def _is_sought(self) -> bool:
        """Return whether anybody waits for a node."""
        return any(not seeker.done() for seeker in self._seekers)

    def _candidates(self, asked: Host, members: Sequence[Member]) -> list[Host]:
        """Return the nodes to connect to after this answer, the best first."""
        found = candidates(members, self._preference, self._suspects)
        # the only node there is: it can be reached as it was, whatever it takes for its own address
        return [asked] if found and len(members) == 1 else found

    def _choose(self, found: Sequence[Host]) -> Host | None:
        """Return the first that is not suspect; `None` while a better one may still answer for itself."""
        for host in found:
            if host not in self._suspects:
                return host
            if self._may_answer(host):
                return None
        return None

    def _may_answer(self, host: Host) -> bool:
        return self._poller is not None and self._poller.awaits(host) and not self._suspects.is_resting(host)

    def _give(self, seeker: asyncio.Future[Host], host: Host) -> None:
        if not seeker.done():
            seeker.set_result(host)
        self._settle(host)

    def _settle(self, host: Host) -> None:
        """Take note that a node was found. A leader is good for everybody, other nodes are looked for one by one."""
        self.last_error = None
        if self._preference is NodePreference.LEADER:
            self._leader = host

    def _suspect(self, host: Host, rest: float) -> None:
        self._suspects.add(host, rest)
        if self._leader == host:
            self._leader = None

    def _complain(self, error: EsdbError) -> None:
        """Remember why there is no node yet, and log it if that is news."""
        if not self._is_sought:
            return
        self.last_error = self.last_failure = error
        if self._complaints.is_new(str(error)):
            text = f"{self._name}: found no node to connect to: {explain(error)}"
            log.warning("no_node", text, pool=self._name, reason=explain(error))

    def _begin(self) -> None:
        if self._polling is None:
            self.last_error = None
            self._polling = task = asyncio.create_task(self._ask_around(), name="esdb-discovery")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask_around(self) -> None:
        """Poll the nodes until another task does, and begin again if that breaks off."""
        pauses = PAUSES.delays()
        while self._polling is asyncio.current_task():
            self._poller = GossipPoller(self._target.options, self)
            try:
                await self._poller.run((*self._target.hosts, *self._known))
            except Exception:
                log.exception("fault", f"{self._name}: asking the nodes of the cluster broke off and begins again")
            await asyncio.sleep(next(pauses))

    def _end_if_idle(self) -> None:
        if not self._seekers and self._polling is not None:
            self._polling.cancel()
            self._polling = self._poller = None


LONGEST = 10.0
"""Seconds: twice as long as the other nodes go on calling one alive that is frozen (a dead one for about a second)."""


class Suspects:
    """The nodes that failed just now, and are not used on the word of other nodes.

    A node is suspect until it has answered for itself, or until it failed so long ago that the others know of it, too.
    """

    def __init__(self) -> None:
        self._since: dict[Host, float] = {}
        """For each suspect the moment (monotonic) from which on its own answer counts."""

    def __contains__(self, host: object) -> bool:
        return isinstance(host, Host) and monotonic() < self._since.get(host, -inf) + LONGEST

    def add(self, host: Host, rest: float) -> None:
        """Add a node that failed; it is left alone for `rest` seconds."""
        self._since = {suspect: since for suspect, since in self._since.items() if suspect in self}
        self._since[host] = monotonic() + rest

    def answered(self, host: Host) -> None:
        """Take note that the node itself says that it can be used."""
        if not self.is_resting(host):
            self._since.pop(host, None)

    def is_resting(self, host: Host) -> bool:
        """Return whether the node is left alone for now, whatever it says."""
        return monotonic() < self._since.get(host, -inf)


class DiscoveryBudget:
    """The attempts of discovery, from now on, that somebody waits for.

    After `seconds` one attempt is enough, since nodes that are mute make attempts long.
    """

    def __init__(self, discovery: Discovery, attempts: int, seconds: float) -> None:
        self._discovery = discovery
        self._before = discovery.failures
        self._attempts = attempts
        self._until = Deadline.after(seconds)

    @property
    def is_over(self) -> bool:
        """Return whether enough attempts have failed."""
        failed = self._discovery.failures - self._before
        return failed >= self._attempts or (failed > 0 and not self._until.left())

    async def wait(self, changes: Wakeup, reached: Callable[[], bool], deadline: Deadline) -> None:
        """Return when it is over, when something else is reached, or at the deadline."""
        while deadline.left() and not (reached() or self.is_over):
            until = min(deadline, self._until) if self._until.left() else deadline
            await changes.wait_until(lambda: reached() or self.is_over, until.left())
