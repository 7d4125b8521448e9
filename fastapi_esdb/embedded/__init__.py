"""An EventStoreDB-compatible server for development and tests."""
