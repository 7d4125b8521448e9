"""The gRPC services: they take requests as values, call the database, and return answers as values."""
