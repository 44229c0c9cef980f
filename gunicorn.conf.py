"""The production server's settings, read by `gunicorn pharos.wsgi`; each can be overridden on its command line."""

import json
import os
import shutil
import tempfile

from gunicorn import glogging, util
from gunicorn.http import message

from pharos.operations.logs import FORMATTERS

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


class logger_class(glogging.Logger):  # noqa: N801  gunicorn's name for it
    """Logs like the product: text or JSON, without secrets. A wrong LOG_FORMAT is reported by the settings."""

    def setup(self, cfg):
        super().setup(cfg)
        formatter = FORMATTERS.get(os.environ.get("LOG_FORMAT", ""), FORMATTERS["text"])
        for handler in [*self.error_log.handlers, *self.access_log.handlers]:
            handler.setFormatter(formatter())


def _metrics_directory():
    """The directory in which this server's processes count, for pharos/operations/metrics.py. A reload keeps it."""
    mark = f"pharos-metrics-{os.getpid()}-"
    present = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    return present if os.path.basename(present).startswith(mark) else tempfile.mkdtemp(prefix=mark)


os.environ["PROMETHEUS_MULTIPROC_DIR"] = _metrics_directory()


def child_exit(server, worker):
    from prometheus_client import multiprocess  # it reads the variable when it is imported

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server):
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def _write_error(sock, status, reason, message):
    """Answers an invalid HTTP request with JSON. gunicorn's own answer is an HTML page, which API clients can't read."""
    body = json.dumps({"error": f"This is not a request that can be read: {message or reason}"}).encode()
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)


util.write_error = _write_error
