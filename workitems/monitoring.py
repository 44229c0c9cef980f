"""The numbers about items that operators watch, for `/metrics`. No statement here counts settled items."""

from collections import Counter
from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily

from pharos.operations.metrics import gauge

from . import counts, durations
from .models import CountDelta, WorkItem


def item_metrics() -> Iterable[GaugeMetricFamily]:
    """Items by kind, the oldest at each stage, late items, and deltas that are not summed up yet."""
    kinds: Counter[tuple[str, str, str]] = Counter()
    for kind, number in counts.read_summary(None, None, None).kinds.items():
        kinds[kind.action, kind.stage, kind.status] += number
    yield gauge("pharos_items", "Items", kinds.items(), ["action", "stage", "status"])
    now = timezone.now()
    oldest = durations.oldest_stage_entries(None, using=DEFAULT_DB_ALIAS)
    ages = [(stage, (now - since).total_seconds()) for stage, since in oldest.items()]
    yield gauge(
        "pharos_items_oldest_seconds", "How long the oldest moving item has been here", ages, ["action", "stage"]
    )
    late = WorkItem.objects.moving().filter(durations.is_late()).values_list("action").annotate(number=Count("pk"))
    yield gauge("pharos_items_late", "Items that are late", [((a,), n) for a, n in late], ["action"])
    unsummed = CountDelta.objects.count()
    yield gauge("pharos_count_deltas", "Rows of the summary that are not summed up yet", [((), unsummed)])
