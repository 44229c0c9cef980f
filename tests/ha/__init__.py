"""The product on a PostgreSQL that fails over, with real programs: `make test-ha`."""
