"""Text to frozen values: the connection string and the settings around it."""
