"""One connection to one node: its states, its calls, its reconnecting."""
