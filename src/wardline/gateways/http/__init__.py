"""The HTTP API: the decision door, mail, and administration, as one ASGI application."""
