"""What can be asked of EventStoreDB, in the words of the field: streams, subscriptions, stream metadata."""
