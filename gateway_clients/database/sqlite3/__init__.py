"""Django's backend for SQLite whose writers wait for one another by short looks."""
