"""The measurements: what they count is counted right."""
