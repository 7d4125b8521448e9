"""The v2 StreamsService: appends to several streams at once."""
