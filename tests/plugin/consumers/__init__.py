"""Consumers that live with an app."""
