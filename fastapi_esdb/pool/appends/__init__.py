"""Appends: alone, in a shared call, or in a batch."""
