"""Projections: what a server derives from its own events, by the system's rules or by a user's JavaScript."""
