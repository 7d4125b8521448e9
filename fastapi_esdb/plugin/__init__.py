"""The part that knows FastAPI: lifespan, dependencies, health, error handlers. Nothing else imports FastAPI."""
