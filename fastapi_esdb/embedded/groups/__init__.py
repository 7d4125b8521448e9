"""The rules of consumer groups (persistent subscriptions): plain objects without I/O, with the time passed in."""
