"""Clusters: which node a connection goes to, and when it moves to another."""
