"""The API described: one OpenAPI document per version, made from the routes, and the pages under /api/docs/ made from that."""
