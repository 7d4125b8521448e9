"""The SchemaRegistryService (v2): schemas of events, their versions, and what a version may become."""
