pytest_plugins = ["fastapi_esdb.testing"]
