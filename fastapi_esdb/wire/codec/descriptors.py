"""Message classes out of a descriptor pool of our own.

Other clients of the same servers register the same message names in protobuf's default pool, which takes each name
only once. The generated modules under `wire/proto` therefore never touch that pool: each folder of .proto files has a
`POOL`, and these two functions turn a serialized file into classes there.
"""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


def add_file(pool: DescriptorPool, name: str, serialized: bytes) -> FileDescriptor:
    """Add a serialized FileDescriptorProto to the pool; the files it imports must be there already.

    Raises TypeError when the pool has another file of that name, or lacks an imported one.
    """
    pool.AddSerializedFile(serialized)
    return pool.FindFileByName(name)


def message_class(descriptor: Descriptor) -> type[Message]:
    """The class of a message, with the classes nested in it as attributes (`ReadReq.Options.Position`)."""
    cls = GetMessageClass(descriptor)
    for nested in descriptor.nested_types:
        # protobuf's C implementation has them already, its pure Python one (Alpine, PyPy) does not
        if not hasattr(cls, nested.name):
            setattr(cls, nested.name, message_class(nested))
    return cls
