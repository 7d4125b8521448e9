"""EventStoreDB for FastAPI."""
