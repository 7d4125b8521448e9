"""The command line: `fastapi-esdb`, or `python -m fastapi_esdb`. It needs the extra `cli`."""
