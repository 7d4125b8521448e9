"""`make bench-costs`: what the project costs an app that uses it, beside the calls themselves."""
