"""Message classes from a private descriptor pool.

Other clients of the same servers register the same message names in protobuf's default pool, which accepts each name
only once. So the generated modules under `wire/proto` never touch that pool: each folder of .proto files has a `POOL`
of its own, and these two functions turn a serialized file into message classes there.
"""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass


def add_file(pool: DescriptorPool, name: str, serialized: bytes) -> FileDescriptor:
    """Add a serialized FileDescriptorProto to the pool and return it; the files it imports must be there already.

    Raises TypeError if the pool has another file of that name, or lacks a file that it imports.
    """
    pool.AddSerializedFile(serialized)
    return pool.FindFileByName(name)


def message_class(descriptor: Descriptor) -> type[Message]:
    """Return the class of a message, with the nested classes as attributes (`ReadReq.Options.Position`)."""
    cls = GetMessageClass(descriptor)
    for nested in descriptor.nested_types:
        # the C implementation of protobuf sets them itself, the pure Python one (Alpine, PyPy) does not
        if not hasattr(cls, nested.name):
            setattr(cls, nested.name, message_class(nested))
    return cls
