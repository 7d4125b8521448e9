"""Secondary indexes: those of every server, by category and by type, and those that users define in JavaScript."""
