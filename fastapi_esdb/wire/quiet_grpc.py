"""gRPC, loaded so that it does not write to stderr: the errors of the calls say what has failed.

The whole package imports `grpc` from this module. gRPC reads `GRPC_VERBOSITY` once, while it is loaded, so the variable
is set for that moment only and child processes do not inherit it. If the user has set it, or has loaded gRPC before,
it stays as it is.
"""

from __future__ import annotations

import os

_VERBOSITY = "GRPC_VERBOSITY"

_chosen = _VERBOSITY in os.environ
os.environ.setdefault(_VERBOSITY, "NONE")
try:
    import grpc
    import grpc.aio
    import grpc.experimental
finally:
    if not _chosen:
        del os.environ[_VERBOSITY]

__all__ = ["grpc"]
