"""The gRPC services: requests as values in, calls of the database, answers as values out."""
