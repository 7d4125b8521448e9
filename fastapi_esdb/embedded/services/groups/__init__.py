"""The PersistentSubscriptions service: groups that run on top of the store, and their RPCs."""
