"""What Prometheus reads from `/metrics`.

Requests and connection pools are counted by each process. Under gunicorn, the processes write to files in one directory
(gunicorn.conf.py), so that any of them can add all up. Everything else is read from the database during a scrape, with
one or two statements for each source. No label has a value for each item or person.
"""

from collections.abc import Callable, Iterable
from os import environ
from typing import Any, Final

from django.conf import settings
from django.db import connections
from django.db.models import Count, Min, Q
from django.http import HttpRequest
from django.utils import timezone
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from pharos.email_queue.models import QueuedEmail
from pharos.replicas import FAILURES, measure_lag

from .models import CommandRun

Source = Callable[[], Iterable[GaugeMetricFamily]]

BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS: Final = {"GET", "HEAD", "POST", "PUT", "OPTIONS"}
_OF_THIS_PROCESS = CollectorRegistry()
requests_total = Counter(
    "pharos_requests", "Requests answered", ["view", "method", "status"], registry=_OF_THIS_PROCESS
)
request_seconds = Histogram(
    "pharos_request_duration_seconds",
    "Time until a request was answered",
    ["view"],
    buckets=BUCKETS,
    registry=_OF_THIS_PROCESS,
)
pool_connections = Gauge(
    "pharos_database_pool_connections",
    "Connections to the database of all processes: open, open and unused, and the most there can be",
    ["state"],
    multiprocess_mode="livesum",
    registry=_OF_THIS_PROCESS,
)
pool_waiting = Gauge(
    "pharos_database_pool_waiting",
    "Requests waiting for a connection",
    multiprocess_mode="livesum",
    registry=_OF_THIS_PROCESS,
)
# {the pool's name: what is counted}. The pool counts up from the start of its process.
_POOL_COUNTERS: Final = {
    name: Counter(f"pharos_database_pool_{ours}", about, registry=_OF_THIS_PROCESS)
    for name, ours, about in (
        ("requests_num", "requests", "Connections taken from a pool"),
        ("requests_queued", "requests_queued", "Connections that had to be waited for"),
        ("requests_errors", "requests_failed", "Connections waited for in vain"),
        ("connections_lost", "connections_lost", "Connections found to be lost"),
        ("connections_errors", "connections_failed", "Failed attempts to connect"),
    )
}
_counted: dict[str, int] = {}


def observe(request: HttpRequest, status: int, seconds: float) -> None:
    """Counts an answered request."""
    view = _view_name(request)
    requests_total.labels(view, request.method if request.method in METHODS else "other", status).inc()
    request_seconds.labels(view).observe(seconds)
    if pool := getattr(connections["default"], "pool", None):
        _observe_pool(pool.get_stats())


def _view_name(request: HttpRequest) -> str:
    """The name of the view; for the API, which has none, its address without the values."""
    match = request.resolver_match
    if match is None:
        return "static" if request.path.startswith(settings.STATIC_URL) else "none"
    if match.url_name:
        return match.view_name
    return match.route.removeprefix("^").partition("(?P")[0]


def _observe_pool(stats: dict[str, int]) -> None:
    pool_connections.labels("open").set(stats.get("pool_size", 0))
    pool_connections.labels("unused").set(stats.get("pool_available", 0))
    pool_connections.labels("most").set(stats.get("pool_max", 0))
    pool_waiting.set(stats.get("requests_waiting", 0))
    for name, counter in _POOL_COUNTERS.items():
        now = stats.get(name, 0)
        # Two threads at once may count a difference twice; a lock for it would cost more than it is worth.
        if more := now - _counted.get(name, 0):
            _counted[name] = now
            counter.inc(max(more, 0))


def email_metrics() -> Iterable[GaugeMetricFamily]:
    """The email queue. An email that waits until its next attempt is waiting, too."""
    waiting = Q(given_up_at=None)
    found = QueuedEmail.objects.aggregate(
        waiting=Count("pk", filter=waiting),
        given_up=Count("pk", filter=~waiting),
        oldest=Min("created_at", filter=waiting),
    )
    age = (timezone.now() - found["oldest"]).total_seconds() if found["oldest"] else 0
    yield gauge("pharos_emails_waiting", "Emails that wait to be sent", [((), found["waiting"])])
    yield gauge("pharos_emails_given_up", "Emails given up in the last 90 days", [((), found["given_up"])])
    yield gauge("pharos_emails_oldest_seconds", "How long the oldest email has waited", [((), age)])


def command_metrics() -> Iterable[GaugeMetricFamily]:
    """When each command of a timer last began, and whether it failed."""
    runs = list(CommandRun.objects.all())
    began = [((run.name,), run.began_at.timestamp()) for run in runs]
    yield gauge("pharos_command_began_timestamp_seconds", "When the command last began", began, ["command"])
    failed = [((run.name,), int(bool(run.error))) for run in runs]
    yield gauge("pharos_command_failed", "Whether its last run failed", failed, ["command"])


def standby_metrics() -> Iterable[GaugeMetricFamily]:
    """Streaming replicas: whether each can be used, and how many bytes it is behind."""
    lags = measure_lag()
    if lags:
        up = [((name,), int(lag is not None)) for name, lag in lags.items()]
        yield gauge("pharos_standby_up", "Whether the standby answers and is one", up, ["standby"])
        behind = [((name,), lag) for name, lag in lags.items() if lag is not None]
        yield gauge("pharos_standby_lag_bytes", "Bytes of WAL it has yet to replay", behind, ["standby"])


def gauge(
    name: str, about: str, samples: Iterable[tuple[Iterable[str], float]], labels: Iterable[str] = ()
) -> GaugeMetricFamily:
    """Returns a metric with these (values of the labels, number)."""
    family = GaugeMetricFamily(name, about, labels=list(labels))
    for values, number in samples:
        family.add_metric(list(values), number)
    return family


class _Sources(Collector):
    """Asks the sources. If the database fails one, the others aren't asked, because each would wait for it again."""

    def __init__(self, sources: Iterable[Source]):
        self._sources = sources

    def collect(self) -> Iterable[Any]:
        is_readable = 1
        try:
            for source in self._sources:
                yield from source()
        except FAILURES:
            is_readable = 0
        yield gauge("pharos_database_readable", "Whether the numbers could be read", [((), is_readable)])


def build_registry(sources: Iterable[Source]) -> CollectorRegistry:
    """Returns everything for one scrape: the counters of all processes, and what these sources read now."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in environ:
        MultiProcessCollector(registry)
    else:
        registry.register(_OF_THIS_PROCESS)
    registry.register(_Sources(sources))
    return registry
