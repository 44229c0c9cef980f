"""Django's backend for PostgreSQL, with a pool that recovers at once when connections were cut."""
