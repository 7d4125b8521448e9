"""Tests of typed events."""
