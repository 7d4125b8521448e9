"""The services for administrators: users, operations, the state of the cluster, and statistics of a node."""
