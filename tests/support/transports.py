"""Which transport a test runs over."""

from __future__ import annotations

import pytest

from fastapi_esdb.settings.choices import TransportKind

OVER_BOTH = pytest.mark.parametrize("transport", [*TransportKind], indirect=True)
"""Mark for tests that run over each transport, whichever one the others run over."""

OVER_GRPCIO = pytest.mark.parametrize("transport", [TransportKind.GRPCIO], indirect=True)
"""Mark for tests of what only grpcio does."""
