"""The registry of schemas: versions, and what a version may become."""
