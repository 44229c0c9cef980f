"""Causes of failures: recorded with each failure, counted and listed."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from workitems import transitions
from workitems.failures import recorder
from workitems.import_export import export_lines, import_files
from workitems.models import Cause, Failure, WorkItem

from ..api.api_client import Caller
from ..factories import make_item, service
from ..page_hooks import item_ids
from ..pages.page_elements import parse_page
from ..stored_items import rolled_back

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
LONG = "Bag is not valid: the digest of data/{name} is {digest}."


def make_failed_item(institution, note="Disk 7 is full.", *, at=NOON, retry=False):
    item = make_item(institution, stage="Validate", at=at)
    return transitions.fail(item, note=note, retry=retry, by=service(), at=at)


def test_a_failure_records_its_cause(virginia):
    one, two = make_failed_item(virginia, "Disk 7 is full."), make_failed_item(virginia, "Disk 12 is full.")
    assert one.failure.cause_id == two.failure.cause_id
    assert (one.failure.at, one.failure.institution_id) == (NOON, virginia.pk)
    assert "7" not in one.failure.cause.text


def test_the_last_failure_counts_and_stays_after_a_requeue(virginia, ada):
    item = make_failed_item(virginia, "Disk 7 is full.", retry=True)
    transitions.fail(item, note="S3 did not answer.", retry=False, by=service(), at=NOON + timedelta(hours=1))
    transitions.requeue(item, stage="Receive", by=ada)
    found = Failure.objects.get()
    assert (found.at, "did not answer" in found.cause.text) == (NOON + timedelta(hours=1), True)
    assert Cause.objects.count() == 2


def test_an_item_created_as_failed_records_its_cause(virginia):
    item = make_item(virginia, stage="Validate", status="Failed", retry=False, note="Disk 7 is full.")
    assert item.failure.cause.text


def count_causes(institutions=None, since=NOON - timedelta(days=1)):
    found = recorder.count_by_cause(since, institutions, most=10, using="default")
    return [(group.items, group.still_failed, group.institutions) for group in found]


def test_failures_are_counted_by_cause(virginia, jhu, ada):
    for number in range(3):
        make_failed_item(virginia, f"Disk {number} is full.")
    transitions.requeue(make_failed_item(jhu, "Disk 9 is full."), stage="Receive", by=ada)
    make_failed_item(jhu, "S3 did not answer.")
    make_failed_item(jhu, "Disk 9 is full.", at=NOON - timedelta(days=2))
    assert count_causes() == [(4, 3, 2), (1, 1, 1)]
    assert count_causes([jhu.pk]) == [(1, 0, 1), (1, 1, 1)]


def test_items_are_listed_by_cause(signed_in, dora, ada, virginia, jhu):
    disk = make_failed_item(virginia, "Disk 7 is full.")
    make_failed_item(virginia, "S3 did not answer.")
    theirs = make_failed_item(jhu, "Disk 8 is full.")
    old = make_failed_item(virginia, "Disk 9 is full.", at=NOON - timedelta(days=50))
    query = f"/items/?cause={disk.failure.cause_id}"
    assert set(item_ids(signed_in(dora).get(query))) == {disk.pk, old.pk}
    assert set(item_ids(signed_in(ada).get(query))) == {disk.pk, theirs.pk, old.pk}
    assert item_ids(signed_in(dora).get(f"{query}&failed_after=2026-11-18T12:00:00Z")) == [disk.pk]
    chips = parse_page(signed_in(dora).get(query)).one("ul", class_="chips").words
    assert disk.failure.cause.text in chips


@pytest.mark.parametrize("value", ["0", "999999", "99999999999999999999", "-1", "x", "\0", "1.5", "١"])
def test_an_unknown_cause_is_an_error(signed_in, dora, virginia, value):
    make_failed_item(virginia)
    answer = signed_in(dora).get("/items/", {"cause": value})
    assert answer.status_code == 400
    assert item_ids(answer) == []


def test_causes_of_other_institutions_stay_hidden(signed_in, dora, ada, jhu):
    query = f"/items/?cause={make_failed_item(jhu).failure.cause_id}"
    assert signed_in(dora).get(query).status_code == 400
    assert signed_in(ada).get(query).status_code == 200


def test_the_api_filters_by_cause(client, wally, virginia):
    item = make_failed_item(virginia)
    make_failed_item(virginia, "S3 did not answer.", at=NOON - timedelta(days=9))
    caller = Caller(client, wally)
    for query in (f"cause={item.failure.cause_id}", "failed_after=2026-11-18T00:00:00Z"):
        assert [one["id"] for one in caller.get("/api/v2/items/", query).body["results"]] == [item.pk]
    assert caller.get("/api/v2/items/", "cause=0").status == 400


def test_the_command_records_failures_written_around_transitions(virginia, capsys):
    make_failed_item(virginia)
    item = make_item(virginia)
    WorkItem.objects.filter(pk=item.pk).update(status="Failed", retry=False, note="Disk 5 is full.")
    call_command("work_out_pace")
    assert "1 unrecorded failures read." in capsys.readouterr().out
    assert set(Failure.objects.values_list("item", flat=True)) == {item.pk, WorkItem.objects.first().pk}
    assert Cause.objects.count() == 1


def test_a_long_note_has_a_short_cause(virginia):
    item = make_failed_item(virginia, "x y " * 9000)
    assert len(item.failure.cause.text) <= 200


def test_an_import_with_history_records_failures_at_their_times(virginia, stan):
    """A failed item that was only reviewed recently is no recent failure, and an item that continued still has its
    failure.
    """
    now = timezone.now()
    with rolled_back():
        old = make_item(virginia, at=now - timedelta(days=60))
        transitions.fail(old, note="Disk 7 is full.", retry=False, by=service(), at=now - timedelta(days=50))
        transitions.review(old, by=stan)
        goes_on = make_item(virginia, at=now - timedelta(days=3))
        transitions.fail(
            goes_on, note="Bag x.tar has no manifest.", retry=True, by=service(), at=now - timedelta(days=2)
        )
        transitions.progress(goes_on, stage="Validate", by=service())
        before = set(Failure.objects.values_list("item", "cause__text", "at"))
        text = "".join(export_lines())
    import_files(["-"], stdin=io.BytesIO(text.encode()))
    assert len(before) == 2
    assert set(Failure.objects.values_list("item", "cause__text", "at")) == before


def test_an_import_with_history_takes_only_failures_for_failures(virginia, stan, ada):
    """Not what happened before or after; of two failures it is the last, and one that is known from the start counts."""

    def at(hour):
        return {"by": service(), "at": NOON + timedelta(hours=hour)}

    with rolled_back():
        transitions.progress(make_item(virginia, at=NOON), stage="Fetch", note="Fetching.", **at(1))
        went_on = make_item(virginia, at=NOON)
        transitions.fail(went_on, note="Disk full.", retry=True, **at(1))
        transitions.progress(went_on, status="Pending", note="Waiting.", **at(2))
        transitions.progress(went_on, stage="Fetch", note="Fetching.", **at(3))
        failed_twice = make_item(virginia, at=NOON)
        transitions.fail(failed_twice, note="Disk full.", retry=True, **at(1))
        transitions.fail(failed_twice, note="Disk broken.", retry=False, **at(2))
        from_the_start = make_item(virginia, at=NOON, stage="Record", status="Failed", retry=False, note="No manifest.")
        transitions.review(from_the_start, by=stan, at=NOON + timedelta(hours=9))
        expected = {
            (went_on.pk, "Disk full.", NOON + timedelta(hours=1)),
            (failed_twice.pk, "Disk broken.", NOON + timedelta(hours=2)),
            (from_the_start.pk, "No manifest.", NOON),
        }
        assert set(Failure.objects.values_list("item", "cause__text", "at")) == expected
        text = "".join(export_lines())
    import_files(["-"], stdin=io.BytesIO(text.encode()))
    assert set(Failure.objects.values_list("item", "cause__text", "at")) == expected


def test_a_notice_to_staff_is_no_cause_of_a_failure(virginia, wally):
    item = make_item(virginia, action="Restore", stage="Record", status="Failed", retry=False)
    transitions.notify(item, by=wally)
    assert "Email sent" in WorkItem.objects.get(pk=item.pk).note
    assert item.failure.cause is None


def test_a_second_import_keeps_the_failure_time_and_updates_the_cause(virginia, stan, ada):
    """A second import only contains what happened since: a review, and an admin's edit of the note."""
    then = timezone.now() - timedelta(days=50)
    with rolled_back():
        item = make_item(virginia, at=then)
        transitions.fail(item, note="The bag of Johns Hopkins is in the way.", retry=False, by=service(), at=then)
        first = "".join(export_lines())
        transitions.edit(item, note="Your bag has no manifest.", by=ada)
        transitions.review(item, by=stan)
        second = "".join(export_lines())
    for text, cause in ((first, "The bag of Johns Hopkins is in the way."), (second, "Your bag has no manifest.")):
        import_files(["-"], stdin=io.BytesIO(text.encode()))
        assert Failure.objects.values_list("cause__text", "at").get() == (cause, then)


def test_an_import_without_the_failure_uses_the_edited_note(virginia, ada):
    then = timezone.now() - timedelta(days=50)
    with rolled_back():
        item = make_item(virginia, at=then)
        transitions.fail(item, note="The bag of Johns Hopkins is in the way.", retry=False, by=service(), at=then)
        transitions.edit(item, note="Your bag has no manifest.", by=ada)
        text = "".join(export_lines())
    import_files(["-"], stdin=io.BytesIO(text.encode()))
    assert Failure.objects.values_list("cause__text", "at").get() == ("Your bag has no manifest.", then)


def test_an_edited_note_changes_the_cause(virginia, ada, dora, signed_in):
    item = make_failed_item(virginia, "The bag of Johns Hopkins is in the way.")
    transitions.edit(item, note="Your bag has no manifest.", by=ada)
    assert Failure.objects.values_list("cause__text", "at").get() == ("Your bag has no manifest.", NOON)
    assert "Johns Hopkins" not in signed_in(dora).get("/").content.decode()
    transitions.edit(item, needs_admin_review=True, by=ada)
    going_on = make_item(virginia)
    transitions.edit(going_on, note="Look at this.", by=ada)
    assert Failure.objects.count() == 1
