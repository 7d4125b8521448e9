# Written by protos/generate.py from v2: do not edit, run `make proto`.
# ruff: noqa
# fmt: off
"""The messages of protos/v2, in a descriptor pool of their own that holds them all after this import."""

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()

from . import any_pb2
from . import code_pb2
from . import duration_pb2
from . import error_details_pb2
from . import indexes_errors_pb2
from . import indexes_pb2
from . import rpc_errors_pb2
from . import rpc_pb2
from . import status_pb2
from . import streams_errors_pb2
from . import streams_pb2
from . import streams_shared_pb2
from . import struct_pb2
