"""The process of a node, from outside."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from fastapi_esdb.embedded.address import bracketed
from fastapi_esdb.embedded.errors import NodeFailed
from fastapi_esdb.embedded.faults import Disturbance
from fastapi_esdb.wire.admin.cluster import NodeState

MODULE = "fastapi_esdb.embedded.cluster"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node: its `number` of `nodes`, and its server's options. With `tls` the certificate is in the directory."""

    number: int
    nodes: int
    directory: str
    host: str
    port: int
    tls: bool
    secure: bool
    allow_remote: bool


class NodeFault:
    """A fault that a node of a cluster has until it has met so many calls as it is for, or is ended.

    It ends with `async with`, too, and with the node's process.
    """

    def __init__(self, number: int, end: Callable[[int], Awaitable[None]]) -> None:
        self.happened = 0
        """The number of calls that it has met."""
        self._number = number
        self._end = end

    async def end(self) -> None:
        """Have all be well again; returns when it is. Idempotent."""
        await self._end(self._number)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()


class ClusterNode:
    """A node of an `EmbeddedCluster`: what it said last of what it is doing."""

    def __init__(self, spec: NodeSpec, changed: Callable[[], None]) -> None:
        self._spec = spec
        self._changed = changed
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._problem = ""
        self._given = self._done = 0
        self._faults: list[NodeFault] = []
        self.host = spec.host
        self.term = 0
        self.state: NodeState | None = None
        self.is_frozen = False

    def __repr__(self) -> str:
        return f"<ClusterNode {self.number} {self.address} {self.state.name if self.state else 'not running'}>"

    @property
    def number(self) -> int:
        """Its number in the cluster, from 0 on."""
        return self._spec.number

    @property
    def port(self) -> int:
        """Its port; 0 until it has been started, if it may choose one. It keeps the port then."""
        return self._spec.port

    @property
    def address(self) -> str:
        """`host:port` as clients reach it."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Return whether it has a process, even if that is frozen."""
        return self._process is not None

    @property
    def has_joined(self) -> bool:
        """Return whether it has everything that the cluster holds."""
        return self.state in (NodeState.LEADER, NodeState.FOLLOWER)

    @property
    def has_obeyed(self) -> bool:
        """Return whether it has done what it was told to, as far as it can."""
        return self._done == self._given or self.is_frozen or not self.is_running

    async def start(self) -> None:
        """Start the process, without waiting for anything that it does."""
        command = [sys.executable, "-m", MODULE, json.dumps(asdict(self._spec))]
        self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        self._reading = asyncio.create_task(self._read(self._process))

    def order(self, **what: Any) -> None:
        """Tell the process to do something; one that is frozen does it when it is thawed."""
        if self._process and self._process.stdin:
            self._given += 1
            self._process.stdin.write(json.dumps(what).encode() + b"\n")

    def disturb(self, what: Disturbance, obeyed: Callable[[], Awaitable[None]]) -> NodeFault:
        """Order a fault. `obeyed` waits until orders have been carried out."""

        async def end(number: int) -> None:
            self.order(end=number)
            await obeyed()

        fault = NodeFault(len(self._faults), end)
        self._faults.append(fault)
        # its error has fields of any kind, and the process that reads them is one of our own
        self.order(fault=len(self._faults) - 1, what=b64encode(pickle.dumps(what)).decode())
        return fault

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it has not ended by itself.

        Not by `Process.send_signal`, which takes the status of one that has just ended from whoever waits for it.
        """
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    async def ended(self) -> None:
        """Wait until the process has ended and all its output was read."""
        if self._reading:
            await asyncio.shield(self._reading)

    def check(self) -> None:
        """Raise NodeFailed if the process could not start."""
        problem, self._problem = self._problem, ""
        if problem:
            raise NodeFailed(self.number, problem)

    async def _read(self, process: Process) -> None:
        self.state, self._problem, self._given, self._done = NodeState.INITIALIZING, "", 0, 0
        assert process.stdout  # noqa: S101  it was asked for
        while line := await process.stdout.readline():
            self._take(json.loads(line))
        if await process.wait() > 0:  # it was not killed by a signal, which has a negative number here
            self._problem = self._problem or f"its process ended with the status {process.returncode}"
        self._process, self.state, self.is_frozen = None, None, False
        self._changed()

    def _take(self, report: dict[str, Any]) -> None:
        match report:
            case {"state": str(state), "term": int(term)}:
                self.state, self.term = NodeState[state], term
            case {"host": str(host), "port": int(port)}:
                self.host, self._spec = host, replace(self._spec, port=port)
            case {"done": int(done)}:
                self._done = done
            case {"fault": int(number), "happened": int(happened)}:
                self._faults[number].happened = happened
            case {"error": str(problem)}:
                self._problem = problem
        self._changed()
