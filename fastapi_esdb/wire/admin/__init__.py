"""What an administrator asks: users, operations, the state of the cluster, statistics of a node. One file a service."""
