"""Uploads that were received in the future, by a file: imported as they are, and named."""

import io
import json
from datetime import timedelta

from django.utils import timezone

from workitems.import_export import import_files
from workitems.import_export.importing.remarks import Remark
from workitems.models import WorkItem


def row(number, received):
    item = {
        "id": number,
        "name": f"{number}.tar",
        "institution": "virginia.edu",
        "action": "Ingest",
        "stage": "Receive",
    }
    return json.dumps({**item, "status": "Pending", "date": received.isoformat(), "etag": "a" * 32})


def test_a_date_ahead_is_named(virginia):
    now = timezone.now()
    lines = [row(7, now + timedelta(days=2)), row(8, now + timedelta(hours=20)), row(9, now)]
    summary = import_files(["-"], stdin=io.BytesIO("\n".join(lines).encode()))
    noted = summary.remarks[Remark.FUTURE_DATE]
    assert (noted.rows, noted.ids) == (1, [7])
    assert WorkItem.objects.get(pk=7).date > now + timedelta(days=1)
