"""Generated clients against a running server: `make check-clients`."""
