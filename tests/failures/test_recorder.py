"""Why items failed: noted with each failure, counted and listed by cause."""

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


def failed(institution, note="Disk 7 is full.", *, at=NOON, retry=False):
    item = make_item(institution, stage="Validate", at=at)
    return transitions.fail(item, note=note, retry=retry, by=service(), at=at)


def test_a_failure_has_its_cause(virginia):
    one, two = failed(virginia, "Disk 7 is full."), failed(virginia, "Disk 12 is full.")
    assert one.failure.cause_id == two.failure.cause_id
    assert (one.failure.at, one.failure.institution_id) == (NOON, virginia.pk)
    assert "7" not in one.failure.cause.text


def test_of_several_the_last_counts_and_it_stays(virginia, ada):
    item = failed(virginia, "Disk 7 is full.", retry=True)
    transitions.fail(item, note="S3 did not answer.", retry=False, by=service(), at=NOON + timedelta(hours=1))
    transitions.requeue(item, stage="Receive", by=ada)
    found = Failure.objects.get()
    assert (found.at, "did not answer" in found.cause.text) == (NOON + timedelta(hours=1), True)
    assert Cause.objects.count() == 2


def test_a_worker_may_record_one_that_has_failed(virginia):
    item = make_item(virginia, stage="Validate", status="Failed", retry=False, note="Disk 7 is full.")
    assert item.failure.cause.text


def groups(institutions=None, since=NOON - timedelta(days=1)):
    found = recorder.by_cause(since, institutions, most=10, using="default")
    return [(group.items, group.still, group.institutions) for group in found]


def test_counted_by_cause(virginia, jhu, ada):
    for number in range(3):
        failed(virginia, f"Disk {number} is full.")
    transitions.requeue(failed(jhu, "Disk 9 is full."), stage="Receive", by=ada)
    failed(jhu, "S3 did not answer.")
    failed(jhu, "Disk 9 is full.", at=NOON - timedelta(days=2))
    assert groups() == [(4, 3, 2), (1, 1, 1)]
    assert groups([jhu.pk]) == [(1, 0, 1), (1, 1, 1)]


def test_the_list_of_a_cause(signed_in, dora, ada, virginia, jhu):
    disk = failed(virginia, "Disk 7 is full.")
    failed(virginia, "S3 did not answer.")
    theirs = failed(jhu, "Disk 8 is full.")
    old = failed(virginia, "Disk 9 is full.", at=NOON - timedelta(days=50))
    query = f"/items/?cause={disk.failure.cause_id}"
    assert set(item_ids(signed_in(dora).get(query))) == {disk.pk, old.pk}
    assert set(item_ids(signed_in(ada).get(query))) == {disk.pk, theirs.pk, old.pk}
    assert item_ids(signed_in(dora).get(f"{query}&failed_after=2026-11-18T12:00:00Z")) == [disk.pk]
    chips = parse_page(signed_in(dora).get(query)).one("ul", class_="chips").words
    assert disk.failure.cause.text in chips


@pytest.mark.parametrize("value", ["0", "999999", "99999999999999999999", "-1", "x", "\0", "1.5", "١"])
def test_a_cause_that_there_is_not(signed_in, dora, virginia, value):
    failed(virginia)
    answer = signed_in(dora).get("/items/", {"cause": value})
    assert answer.status_code == 400
    assert item_ids(answer) == []


def test_a_cause_that_only_others_have_is_none(signed_in, dora, ada, jhu):
    query = f"/items/?cause={failed(jhu).failure.cause_id}"
    assert signed_in(dora).get(query).status_code == 400
    assert signed_in(ada).get(query).status_code == 200


def test_by_the_api(client, wally, virginia):
    item = failed(virginia)
    failed(virginia, "S3 did not answer.", at=NOON - timedelta(days=9))
    caller = Caller(client, wally)
    for query in (f"cause={item.failure.cause_id}", "failed_after=2026-11-18T00:00:00Z"):
        assert [one["id"] for one in caller.get("/api/v2/items/", query).body["results"]] == [item.pk]
    assert caller.get("/api/v2/items/", "cause=0").status == 400


def test_what_was_written_past_the_door_is_noted_by_the_command(virginia, capsys):
    failed(virginia)
    item = make_item(virginia)
    WorkItem.objects.filter(pk=item.pk).update(status="Failed", retry=False, note="Disk 5 is full.")
    call_command("work_out_pace")
    assert "1 failures read." in capsys.readouterr().out
    assert set(Failure.objects.values_list("item", flat=True)) == {item.pk, WorkItem.objects.first().pk}
    assert Cause.objects.count() == 1


def test_a_long_note_has_a_short_cause(virginia):
    item = failed(virginia, "x y " * 9000)
    assert len(item.failure.cause.text) <= 200


def test_an_import_with_history_brings_the_failures_as_they_were(virginia, stan):
    """A failure that was only looked at lately is no failure of today; and one that goes on already did fail."""
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


def test_an_import_in_parts_tells_when_it_failed_and_of_a_note_that_was_edited(virginia, stan, ada):
    """A second import brings only what has happened since: a review, and what an admin has written in the note's place."""
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


def test_an_import_into_an_empty_installation_brings_only_the_edited_note(virginia, ada):
    then = timezone.now() - timedelta(days=50)
    with rolled_back():
        item = make_item(virginia, at=then)
        transitions.fail(item, note="The bag of Johns Hopkins is in the way.", retry=False, by=service(), at=then)
        transitions.edit(item, note="Your bag has no manifest.", by=ada)
        text = "".join(export_lines())
    import_files(["-"], stdin=io.BytesIO(text.encode()))
    assert Failure.objects.values_list("cause__text", "at").get() == ("Your bag has no manifest.", then)


def test_what_an_admin_writes_in_its_place_is_what_it_failed_for(virginia, ada, dora, signed_in):
    item = failed(virginia, "The bag of Johns Hopkins is in the way.")
    transitions.edit(item, note="Your bag has no manifest.", by=ada)
    assert Failure.objects.values_list("cause__text", "at").get() == ("Your bag has no manifest.", NOON)
    assert "Johns Hopkins" not in signed_in(dora).get("/").content.decode()
    transitions.edit(item, needs_admin_review=True, by=ada)
    going_on = make_item(virginia)
    transitions.edit(going_on, note="Look at this.", by=ada)
    assert Failure.objects.count() == 1
