"""Measurements, on this machine or against any server. `make help` lists the commands."""
