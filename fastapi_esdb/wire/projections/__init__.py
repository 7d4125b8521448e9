"""The Projections service."""
