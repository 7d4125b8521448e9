"""An EventStoreDB-compatible server for development and tests."""

from fastapi_esdb.embedded.server import EmbeddedServer, ServerCertificate

__all__ = ["EmbeddedServer", "ServerCertificate"]
