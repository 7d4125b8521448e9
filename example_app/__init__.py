"""A small shop of orders, to read and to run: `make run`."""
