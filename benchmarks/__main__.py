"""`make bench`: every measurement, one after the other."""

from __future__ import annotations

from benchmarks import pool_size

if __name__ == "__main__":
    pool_size.run()
