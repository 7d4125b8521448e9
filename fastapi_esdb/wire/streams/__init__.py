"""The Streams service."""
