"""The seam to FastAPI: lifespan, dependencies, health, error handlers. Nothing else imports FastAPI."""
