"""The documentation of the API: an OpenAPI document for each version, built from its routes, and the pages under
/api/docs/, built from those documents.
"""
