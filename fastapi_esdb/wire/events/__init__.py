"""Events, and where to begin and what to let through when they are read: shared by streams and groups."""
