"""Errors as the protocol transmits them: code, text and trailers, rich details, and statuses in answers of batches."""
