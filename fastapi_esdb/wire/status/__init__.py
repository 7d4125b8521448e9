"""Errors as the protocol tells them, and back: by code, text and trailers, by rich details, inside a batch's answer."""
