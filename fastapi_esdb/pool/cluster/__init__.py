"""Clusters: find the node to connect to, and move to another one in time."""
