"""Broken networks and servers, for the tests."""
