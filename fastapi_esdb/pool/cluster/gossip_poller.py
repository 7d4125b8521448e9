"""Asking all nodes of a cluster for its members, again and again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.gossip import ask_members
from fastapi_esdb.log import log
from fastapi_esdb.settings.hosts import Host, is_address
from fastapi_esdb.settings.options import MILLISECONDS_PER_SECOND
from fastapi_esdb.wire.errors import ConnectionRefused, EsdbError
from fastapi_esdb.wire.errors.unreadable import unreadable

if TYPE_CHECKING:
    from fastapi_esdb.settings.options import ConnectionOptions
    from fastapi_esdb.wire.admin.cluster import Member

QUICKEST = 1.0
"""Seconds that a node has for its first answer; each further time it is twice as much, up to `gossipTimeout`."""

MOST_HOSTS = 200
"""Names, and addresses behind them, that are asked, however many more the answers name."""

SLOWEST_PACE = 0.2
"""Seconds between two questions to the same node, at most: until a new leader is noticed, everybody waits."""

RESOLVE_AGAIN = 5.0
"""Seconds after which a name that has addresses is resolved again: the nodes behind it may be others by now."""


@dataclass(frozen=True, slots=True)
class Respondent:
    """A node to ask: `host` as it is known, and the `address` behind that name."""

    host: Host
    address: Host


class GossipListener(Protocol):
    """Hears what the nodes say."""

    def heard(self, asked: Host, members: Sequence[Member]) -> None:
        """Take note that a node has named the members."""

    def missed(self, error: EsdbError) -> None:
        """Take note that a node did not answer, or that its name has no address."""

    def asked(self, rounds: int) -> None:
        """Take note that so many more rounds of questions are over, whatever came of them."""


class GossipPoller:
    """Asks each node by itself, so that one which is frozen keeps nobody from hearing the others.

    The first round of questions is over when all have answered or failed to, the following ones are counted by the
    quickest node.
    """

    def __init__(self, options: ConnectionOptions, listener: GossipListener) -> None:
        self._options = options
        self._listener = listener
        interval = options.discovery_interval / MILLISECONDS_PER_SECOND
        self._pace = Backoff(interval, max(interval, SLOWEST_PACE), jitter=0.2)
        self._timeouts = Backoff(min(QUICKEST, options.gossip_timeout), options.gossip_timeout)
        self._hosts: set[Host] = set()
        self._lookups: dict[Host, int] = {}
        """The names without an address so far, and how often they were looked up."""
        self._questions: dict[Respondent, int] = {}
        """How often each node has answered, or failed to."""
        self._rounds = 0
        self._group = asyncio.TaskGroup()

    async def run(self, hosts: Iterable[Host]) -> None:
        """Ask these, and whoever is included later, until cancelled."""
        async with self._group:
            self.include(hosts)

    def awaits(self, host: Host) -> bool:
        """Return whether the host was asked and has neither answered nor failed so far."""
        asked = [times for respondent, times in self._questions.items() if respondent.host == host]
        return self._lookups.get(host) == 0 or 0 in asked

    def include(self, hosts: Iterable[Host]) -> None:
        """Ask these, too."""
        for host in set(hosts) - self._hosts:
            if len(self._hosts) >= MOST_HOSTS:
                return
            self._hosts.add(host)
            self._lookups[host] = 0
            self._group.create_task(self._resolve(host), name="esdb-resolve")

    async def _resolve(self, host: Host) -> None:
        """Ask every node behind the name, those that appear later as well."""
        pauses = self._pace.delays()
        while True:
            try:
                self._include_addresses(host, await self._addresses(host))
            except Exception as error:
                self._unresolved(host, _as_ours(error))
                await asyncio.sleep(next(pauses))
            else:
                await asyncio.sleep(RESOLVE_AGAIN)

    async def _addresses(self, host: Host) -> tuple[Host, ...]:
        """Return the addresses behind a name. A look-up that takes too long counts as failed, and goes on."""
        late = ConnectionRefused(f"the name {host.name!r} is not resolved yet")
        timer = asyncio.get_running_loop().call_later(self._options.gossip_timeout, self._unresolved, host, late)
        try:
            return await resolved(host)
        finally:
            timer.cancel()

    def _unresolved(self, host: Host, error: EsdbError) -> None:
        self._listener.missed(error)
        self._lookups[host] = self._lookups.get(host, 0) + 1
        self._count()

    def _include_addresses(self, host: Host, addresses: Iterable[Host]) -> None:
        self._lookups.pop(host, None)
        for respondent in {Respondent(host, address) for address in addresses} - self._questions.keys():
            if len(self._questions) >= MOST_HOSTS:
                return
            self._questions[respondent] = 0
            self._group.create_task(self._ask(respondent), name="esdb-gossip")

    async def _ask(self, respondent: Respondent) -> None:
        pauses, timeouts = self._pace.delays(), self._timeouts.delays()
        while True:
            try:
                members = await self._answer(respondent, Deadline.after(next(timeouts)))
                self._listener.heard(respondent.host, members)
            except Exception as error:  # whatever is odd about an answer is that node's alone
                self._listener.missed(_as_ours(error))
            self._questions[respondent] += 1
            self._count()
            await asyncio.sleep(next(pauses))

    def _count(self) -> None:
        times = (*self._lookups.values(), *self._questions.values())
        rounds = max(times) if all(times) else 0
        if rounds > self._rounds:
            self._listener.asked(rounds - self._rounds)
            self._rounds = rounds

    async def _answer(self, respondent: Respondent, deadline: Deadline) -> tuple[Member, ...]:
        host, address = respondent.host, respondent.address
        return await ask_members(address, self._options, deadline, None if host == address else host.name)


async def resolved(host: Host) -> tuple[Host, ...]:
    """Return the addresses behind a host, of both families. Raises `ConnectionRefused` for a name that has none."""
    if is_address(host.name):
        return (host,)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # the latter is for what is no name at all, such as "node..example.com"
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConnectionRefused(f"the name {host.name!r} has no address ({reason})") from error
    return tuple(Host(str(address[0]), host.port) for _, _, _, _, address in found)


def _as_ours(error: Exception) -> EsdbError:
    if isinstance(error, EsdbError):
        return error
    log.debug("question_broke_off", "a question to a node of the cluster broke off", trace=error)
    return unreadable(error)
