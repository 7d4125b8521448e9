# Written by protos/generate.py from v1: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
"""The messages of protos/v1, in a descriptor pool of their own that holds them all after this import."""

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()

from . import any_pb2
from . import code_pb2
from . import duration_pb2
from . import empty_pb2
from . import gossip_pb2
from . import monitoring_pb2
from . import operations_pb2
from . import persistent_pb2
from . import projections_pb2
from . import serverfeatures_pb2
from . import shared_pb2
from . import status_pb2
from . import streams_pb2
from . import struct_pb2
from . import timestamp_pb2
from . import users_pb2
