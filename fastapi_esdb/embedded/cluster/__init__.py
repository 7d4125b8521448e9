"""A cluster of embedded servers: each a process of its own, one of them the leader, all with the same log."""
