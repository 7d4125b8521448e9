"""Scenarios for a server of one's own are collected only where one is named."""

from tests.support.target import TARGET

collect_ignore = [] if TARGET else ["test_target.py"]
