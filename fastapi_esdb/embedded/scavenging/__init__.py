"""Scavenges: what deleted and expired events took is given back, piece by piece."""
