"""What the process of a node is told when it is started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node: its `number` of `nodes`, and what its server is like. With `tls` the certificate is in the directory."""

    number: int
    nodes: int
    directory: str
    host: str
    port: int
    tls: bool
    secure: bool
    allow_remote: bool
