"""The HTTP status of each reason to refuse a move: for the API and for the pages alike."""

# {lifecycle.Refused.reason: HTTP status}
STATUS_OF = {"missing": 404, "forbidden": 403, "illegal": 409, "changed": 409, "invalid": 422}
