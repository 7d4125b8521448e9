"""TLS: which certificates are trusted and shown, and what a handshake that fails means."""
