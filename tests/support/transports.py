"""Which transport a test runs over."""

from __future__ import annotations

import pytest

from fastapi_esdb.settings.choices import TransportKind

OVER_BOTH = pytest.mark.parametrize("transport", [*TransportKind], indirect=True)
"""Mark for tests that run over each transport, whichever one the others run over."""

OVER_HTTP2 = pytest.mark.parametrize("transport", [TransportKind.HTTP2], indirect=True)
"""Mark for tests of what has been seen over grpcio, and is to be so over our own HTTP/2."""

OVER_GRPCIO = pytest.mark.parametrize("transport", [TransportKind.GRPCIO], indirect=True)
"""Mark for tests of what only grpcio does."""

GRPC_POLLER = "PollerCompletionQueue"
"""What gRPC's poller calls itself where asyncio tells of it. All tests of a process share it, and so it may happen to
wake the closed loop of an earlier one."""
