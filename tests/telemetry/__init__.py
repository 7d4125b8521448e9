"""Traces, metrics, and what is added to the metadata of events."""
