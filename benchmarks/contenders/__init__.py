"""Who is compared, by name: the module and class of each, which only its own process imports."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.cases import (
    AIO,
    BARE_HTTP2,
    BATCH,
    GROUPED,
    GROUPED_HTTP2,
    KURRENT,
    OURS,
    OURS_GROUPED,
    OURS_HTTP2,
    OURS_HTTP2_GROUPED,
    THREAD,
)
from benchmarks.contenders.client import Client

CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    OURS: ("ours.Ours", {}),
    OURS_GROUPED: ("ours.Ours", {"append_mode": "grouped"}),
    OURS_HTTP2: ("ours.Ours", {"transport": "http2"}),
    OURS_HTTP2_GROUPED: ("ours.Ours", {"transport": "http2", "append_mode": "grouped"}),
    KURRENT: ("kurrent.KurrentClient", {}),
    AIO: ("grpc_aio.BareAio", {}),
    THREAD: ("thread.BareThread", {}),
    BATCH: ("batch.BareBatch", {}),
    BARE_HTTP2: ("http2.BareHttp2", {}),
    GROUPED: ("grouped.BareGrouped", {}),
    GROUPED_HTTP2: ("grouped.BareGroupedHttp2", {}),
}
"""Where each is, and with which settings."""


def opened(name: str, target: str) -> Client:
    """The contender of that name, to be entered."""
    path, settings = CLASSES[name]
    module, _, kind = path.partition(".")
    client: Client = getattr(import_module(f"{__name__}.{module}"), kind)(target, **settings)
    return client
