"""The description of a node that its process is started with."""

from __future__ import annotations

from dataclasses import dataclass


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
