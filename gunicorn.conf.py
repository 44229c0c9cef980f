"""The production server's settings, read by `gunicorn pharos.wsgi`; each can be overridden on its command line."""

import json

from gunicorn import util
from gunicorn.http import message

worker_class = "gthread"
workers = 3
threads = 4
bind = "127.0.0.1:8000"
# A name has up to 1,000 characters, each up to 12 bytes in a URL, and a URL can have several names. gunicorn accepts no
# limit above its own maximum, so that is raised, too. Without a limit, a line of 20 MB keeps a worker busy for a minute.
limit_request_line = message.MAX_REQUEST_LINE = 131_072
limit_request_field_size = 65_536
# Only TRUSTED_PROXIES decides whether a proxy is trusted. By default, gunicorn trusts every client on this machine.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


def _write_error(sock, status, reason, message):
    """Answers an invalid HTTP request with JSON. gunicorn's own answer is an HTML page, which API clients can't read."""
    body = json.dumps({"error": f"This is not a request that can be read: {message or reason}"}).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)


util.write_error = _write_error
