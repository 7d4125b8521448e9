"""The benchmark of faults."""
