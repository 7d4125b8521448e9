# Written by protos/generate.py from the folders v1 and v2: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
