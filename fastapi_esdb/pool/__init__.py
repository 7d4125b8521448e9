"""Many connections as one: which of them a call takes, when it is made again, when more are needed."""
