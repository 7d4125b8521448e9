"""The PersistentSubscriptions service."""
