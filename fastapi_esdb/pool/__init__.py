"""Many connections as one: choose one for each call, make calls again, open more when they are full."""
