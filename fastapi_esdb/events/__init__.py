"""Typed events: classes of the app under stable names, with versions, and what reads the events that are stored."""
