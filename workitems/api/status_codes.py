"""The HTTP status of each reason for refusing a move, for the API and the pages."""

# {lifecycle.Refused.reason: HTTP status}
STATUS_OF = {"missing": 404, "forbidden": 403, "illegal": 409, "unserved": 409, "changed": 409, "invalid": 422}
