"""The production server, as `gunicorn pharos.wsgi` reads it; every line can be given on its command line instead."""

import json

from gunicorn import util
from gunicorn.http import message

worker_class = "gthread"
workers = 3
threads = 4
bind = "127.0.0.1:8000"
# A name has up to 1000 characters, each up to 12 bytes in an address, and an address may hold several. gunicorn takes no
# limit above its own largest; without any, a line of 20 MB keeps a worker busy for a minute.
limit_request_line = message.MAX_REQUEST_LINE = 131_072
limit_request_field_size = 65_536
# Whether a proxy in front is believed is said once, by TRUSTED_PROXIES. gunicorn itself believes whoever comes from this machine.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}


def _write_error(sock, status, reason, message):
    """The answer to what is no HTTP at all. gunicorn's own is a page of HTML, which no client of the API can read."""
    body = json.dumps({"error": f"This is not a request that can be read: {message or reason}"}).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)


util.write_error = _write_error
