"""The documentation of the API: one OpenAPI document per version, built from its routes, and pages built from it."""
