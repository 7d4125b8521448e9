"""The status page: the app's connections, consumers and streams, for people. Loaded when somebody asks for it."""
