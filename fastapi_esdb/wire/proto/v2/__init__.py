# Written by protos/generate.py from v2: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
"""The messages of protos/v2, in a descriptor pool of their own that each module adds its file to."""

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
