"""Consumers, without an app."""
