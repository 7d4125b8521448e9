"""gRPC by grpcio: the one package of the client that imports it."""
