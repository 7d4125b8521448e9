"""The database of the embedded server: plain objects, no grpc, no sockets, an injected clock."""
