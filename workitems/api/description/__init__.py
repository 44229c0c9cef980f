"""The description of the API: one OpenAPI document per version, built from the routes, and the pages under /api/docs/,
built from that document.
"""
