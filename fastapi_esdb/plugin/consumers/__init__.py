"""Consumers that live with an app: their handlers take dependencies of FastAPI."""
