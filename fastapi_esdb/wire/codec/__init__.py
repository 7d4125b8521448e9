"""The parts that converters between values and messages are made of."""
