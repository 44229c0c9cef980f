"""Items in every state that a page can show, each created and moved through `transitions`."""

from datetime import timedelta

from django.utils import timezone

from pharos.accounts import api_keys
from workitems import transitions
from workitems.durations import typical
from workitems.durations.scale import ALL_SIZES, band_of
from workitems.models import Typical
from workitems.saved_views import save_view

from ..factories import make_item, service

LONG_NAME = (
    "virginia.edu.papers_of_the_society_for_the_improvement_of_lighthouses_1871-1904_box_0117_folder_03.b046.of249.tar"
)
ERROR = "The digest of data/images/0042.tif in manifest-sha256.txt does not match the file's."
MANY_ERRORS = "\n".join(
    [
        "Bag has too many errors:",
        *(f"data/images/{n:04}.tif is in the manifest, and not in the bag." for n in range(60)),
    ]
)


HOUR = 3600.0


def _know_what_is_usual():
    """Sets usual times by which the item "running" is late."""
    stages = [("Ingest", stage) for stage in ("", "Receive", "Fetch", "Validate", "Store", "Record")] + [("Delete", "")]
    for place, (action, stage) in enumerate(stages, 1):
        for band in (ALL_SIZES, band_of(266_240)):
            low = 2 * HOUR / place
            values = {"low": low, "median": 1.5 * low, "high": 3 * low, "late": 3.5 * low, "number": 40 * place}
            values["made_at"] = timezone.now()
            Typical.objects.update_or_create(values, action=action, stage=stage, band=band)
    typical.clear_cache()


def hang(virginia, jhu, *, staff, admin):
    """Creates the items and returns {what it shows: item}. All but one belong to Virginia.

    It also creates an API key and a shared view of the staff user, under "key" and "view".
    """
    start = timezone.now() - timedelta(days=3)
    worker = service()

    def item(hours, institution=virginia, **fields):
        when = start + timedelta(hours=hours)
        return make_item(institution, at=when, date=when, **fields)

    def after(hours):
        return {"by": worker, "at": start + timedelta(hours=hours)}

    shown = {}
    shown["success"] = item(-2400, name="virginia.edu.uva-lib_2274642.tar", size=90_700_000)
    transitions.progress(
        transitions.progress(shown["success"], stage="Validate", **after(-2399)), stage="Store", **after(-2398)
    )
    transitions.succeed(shown["success"], stage="Cleanup", note="Finished cleanup. Ingest complete.", **after(-2397))
    shown["failed"] = item(4, name="virginia.edu.uva-lib_2278801.tar", size=21_200_000_000)
    transitions.fail(
        transitions.progress(shown["failed"], stage="Validate", **after(5)), note=ERROR, retry=False, **after(6)
    )
    shown["failed, long note"] = item(7, name="Übersee & “Küste” 1871.tar", size=1_400)
    transitions.fail(shown["failed, long note"], stage="Validate", note=MANY_ERRORS, retry=False, **after(8))
    shown["retried"] = item(9)
    transitions.fail(shown["retried"], stage="Store", note="S3 timed out after 60 s.", retry=True, **after(10))
    shown["pending"] = item(11, name=LONG_NAME, size=5_000_000_000_000)
    shown["running"] = item(12)
    transitions.progress(shown["running"], stage="Store", node="services-1.example.org", pid=4711, **after(13))
    shown["superseded"] = item(14, name="virginia.edu.atlas_1890.tar", etag="a" * 32)
    shown["supersedes"] = item(15, name="virginia.edu.atlas_1890.tar", etag="b" * 32)
    shown["duplicate"] = item(16, name="virginia.edu.uva-lib_2274642.tar", etag=shown["success"].etag)
    shown["suspended"] = item(17)
    transitions.suspend(shown["suspended"], note="The storage bucket of this institution is full.", **after(18))
    shown["gave up"] = item(18)
    transitions.progress(shown["gave up"], stage="Unpack", **after(19))
    transitions.edit(
        shown["gave up"],
        needs_admin_review=True,
        retry=False,
        note="The container was killed.",
        **after(20) | {"by": admin},
    )
    shown["cancelled"] = item(19)
    transitions.cancel(
        shown["cancelled"], note="Cancelled at the request of your institution.", **after(20) | {"by": admin}
    )
    shown["reviewed failure"] = item(20)
    transitions.fail(shown["reviewed failure"], note="A required tag, Title, has no value.", retry=False, **after(21))
    transitions.review(shown["reviewed failure"], reviewed=True, **after(22) | {"by": staff})
    shown["restored"] = item(
        23,
        action="Restore",
        name="virginia.edu.uva-lib_2274642.tar",
        object_identifier="virginia.edu/virginia.edu.uva-lib_2274642",
        generic_file_identifier="virginia.edu/virginia.edu.uva-lib_2274642/data/plates/the_lighthouse_at_cape_henry_from_the_sea.tif",
        user="dora@virginia.edu",
    )
    transitions.succeed(
        shown["restored"], stage="Available in S3", note="Restored to aptrust.restore.virginia.edu.", **after(24)
    )
    for n in range(14):
        done = item(30 + n, name=f"virginia.edu.ledger_{n:02}.tar")
        transitions.succeed(done, stage="Cleanup", note="Finished cleanup. Ingest complete.", **after(31 + n))
    shown["theirs"] = item(50, jhu, name="jhu.edu.ledger_17.tar")
    _know_what_is_usual()
    for name, query in (("Late ones of the atlas", "late=true&q=atlas"), ("Failures_" * 8, "status=Failed&sort=name")):
        shown["view"] = save_view(staff, name=name, query=query, reach="institution")
    for label in ("", "Desktop_app_" * 8):
        shown["key"], secret = api_keys.create_key(staff, label=label, now=start)
    api_keys.count_call(api_keys.find_key(staff.email, secret), limit=600, now=timezone.now())
    return shown
