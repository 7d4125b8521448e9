"""Appends: which call each travels in, and what those share that travel together."""
