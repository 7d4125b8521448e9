"""Deciding by the events of a stream: load its state, decide, append on condition that it has not moved."""
