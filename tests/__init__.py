"""The tests, and what they start in processes of their own, which use the transport of the test that starts them."""

import os
import sys

from fastapi_esdb.connection import transports
from fastapi_esdb.settings.choices import TransportKind

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
"""What is imported is compiled once, and not in each of the hundreds of processes that the tests start."""

TRANSPORT_OF_TESTS = "TRANSPORT_OF_TESTS"
"""In the environment, the transport of connections whose settings choose none. `ESDB_TRANSPORT` would be a setting."""

if chosen := os.environ.get(TRANSPORT_OF_TESTS):
    transports._OPENED_BY[TransportKind.GRPCIO] = transports._OPENED_BY[TransportKind(chosen)]
