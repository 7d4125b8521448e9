"""The PersistentSubscriptions service. A group is a persistent subscription: a group of consumers."""
