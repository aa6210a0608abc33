"""Django's backend for PostgreSQL with this project's pool and limits."""
