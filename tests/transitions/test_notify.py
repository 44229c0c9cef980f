"""The spot test: staff are asked once, by email, to check a restored copy, and the item's note says so."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import OperationalError, connection, connections

from pharos.accounts.roles import Role
from pharos.email_queue.models import QueuedEmail
from workitems import transitions
from workitems.mailing import request_spot_test
from workitems.models import HistoryEntry, WorkItem
from workitems.vocabulary import Status

from ..emails import sent
from ..factories import UserFactory, make_item
from ..stored_items import as_stored, assert_refused, last_entry

URL = "https://pharos.example.org/items/17"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LINE = "Email sent to admins at University of Virginia"
NOTE = "Object restored to https://s3.example.org/aptrust.restore.virginia.edu/bag.tar"


@pytest.fixture
def restored(virginia, wally):
    item = make_item(
        virginia,
        action="Restore",
        name="uva-lib_2274642.tar",
        object_identifier="virginia.edu/uva-lib_2274642",
        user="dora@virginia.edu",
        at=NOON,
    )
    return transitions.succeed(item, stage="Record", note=NOTE, by=wally)


def ask(item, by, **more):
    return request_spot_test(item, by=by, item_url=URL, **more)


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_staff_are_emailed_and_the_note_says_so(restored, cast, who):
    before, _entries = as_stored(restored)
    assert ask(restored, cast[who], at=NOON) is True
    after, _entries = as_stored(restored)
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"note", "version", "updated_at"}
    assert restored.note == after["note"] == f"{NOTE}\n{LINE}"
    entry = last_entry(restored)
    assert (entry.move, entry.who, entry.via, entry.at) == ("notify", cast[who].email, "api", NOON)
    assert (entry.stage_before, entry.status_before) == (entry.stage_after, entry.status_after) == ("Record", "Success")
    assert (entry.note, entry.changes) == (restored.note, {})
    assert [message.to for message in sent()] == [["stan@virginia.edu"]]


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_notify(restored, cast, who):
    with assert_refused(restored, "forbidden"):
        ask(restored, cast[who])
    assert sent() == []


def test_an_inactive_service_cannot_notify(restored, stan, wally):
    wally.is_active = False
    with assert_refused(restored, "forbidden"):
        ask(restored, wally)


def test_only_active_staff_of_the_institution_are_emailed(restored, cast, virginia, jhu):
    UserFactory(email="stella@virginia.edu", role=Role.STAFF, institution=virginia)
    UserFactory(email="gone@virginia.edu", role=Role.STAFF, institution=virginia, is_active=False)
    UserFactory(email="admin@virginia.edu", role=Role.ADMIN, institution=virginia)
    ask(restored, cast["wally"])
    messages = sent()
    assert [message.recipients() for message in messages] == [["stan@virginia.edu"], ["stella@virginia.edu"]]
    assert {message.message()["To"] for message in messages} == {"stan@virginia.edu, stella@virginia.edu"}


@pytest.mark.parametrize("status", Status)
def test_staff_can_be_notified_in_any_status(virginia, stan, wally, status):
    stage = "Record" if status == "Success" else "Requested"
    item = make_item(virginia, action="Restore", stage=stage, status=status)
    assert ask(item, wally) is True
    assert (item.stage, item.status, item.note) == (stage, status, LINE)
    assert last_entry(item).move == "notify"


@pytest.mark.parametrize("action", ["Ingest", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_staff_are_notified_of_restores_only(virginia, stan, wally, action):
    item = make_item(virginia, action=action)
    with assert_refused(item, "illegal") as caught:
        ask(item, wally)
    assert f"notify is only for a Restore, not for {action}." in caught.value.sentence
    assert sent() == []


def test_a_second_notify_does_nothing(restored, stan, wally, ada):
    stale = WorkItem.objects.get(pk=restored.pk)
    assert ask(restored, wally) is True
    before = as_stored(restored)
    assert ask(stale, ada) is False
    assert ask(restored, wally) is False
    assert as_stored(restored) == before
    assert (stale.note, stale.version) == (restored.note, restored.version)
    assert len(sent()) == 1


def test_a_second_notify_does_nothing_after_note_and_staff_changed(restored, stan, wally, ada):
    ask(restored, wally)
    transitions.edit(restored, note="the copy has expired", by=ada)
    stan.is_active = False
    stan.save()
    assert ask(restored, wally) is False
    assert restored.note == "the copy has expired"
    assert len(sent()) == 1


def test_a_stale_copy_does_not_overwrite_the_note(restored, stan, wally, ada):
    stale = WorkItem.objects.get(pk=restored.pk)
    transitions.edit(restored, note="the copy stays for a week", by=ada)
    assert ask(stale, wally) is True
    assert stale.note == f"the copy stays for a week\n{LINE}"


def test_an_institution_without_active_staff(restored, dora, olga, ada, wally, virginia):
    UserFactory(email="gone@virginia.edu", role=Role.STAFF, institution=virginia, is_active=False)
    with assert_refused(restored, "illegal") as caught:
        ask(restored, wally)
    assert caught.value.sentence.startswith("University of Virginia has no active staff")
    assert sent() == []
    UserFactory(email="new@virginia.edu", role=Role.STAFF, institution=virginia)
    assert ask(restored, wally) is True


def test_the_record_and_the_emails_are_stored_together(restored, stan, wally, monkeypatch):
    before = as_stored(restored)

    def fail(rows):
        raise OperationalError("the disk is full")

    monkeypatch.setattr(QueuedEmail.objects, "bulk_create", fail)
    with pytest.raises(OperationalError):
        ask(restored, wally)
    assert as_stored(restored) == before
    monkeypatch.undo()
    restored.refresh_from_db()
    assert ask(restored, wally) is True
    assert len(sent()) == 1


def test_the_text_of_the_email(restored, stan, wally, settings):
    settings.SUPPORT_EMAIL = "help@example.org"
    ask(restored, wally, at=datetime(2026, 5, 6, 9, 5, tzinfo=UTC))
    [message] = sent()
    assert message.subject == "Please check the restored copy of virginia.edu/uva-lib_2274642"
    lines = message.body.splitlines()
    assert lines[:1] == ["A restored copy is ready for University of Virginia to check:"]
    assert "Object: virginia.edu/uva-lib_2274642" in lines
    assert "Bag: uva-lib_2274642.tar" in lines
    assert "Requested: 4 May 2026, 12:00 UTC" in lines
    assert "Ready to check: 6 May 2026, 09:05 UTC" in lines
    assert URL in lines
    assert "help@example.org" in message.body
    assert "File:" not in message.body


def test_the_email_about_a_single_file_names_it(virginia, stan, wally):
    item = make_item(
        virginia,
        action="Restore",
        object_identifier="virginia.edu/bag",
        generic_file_identifier="virginia.edu/bag/data/<b>&'1'.tif",
    )
    ask(item, wally)
    [message] = sent()
    assert message.subject == "Please check the restored copy of virginia.edu/bag/data/<b>&'1'.tif"
    assert "File: virginia.edu/bag/data/<b>&'1'.tif" in message.body.splitlines()


def test_names_cannot_inject_headers_or_lines(virginia, stan, wally):
    name = "bag\r\nBcc: olga@jhu.edu\u2028Send your password.tar"
    ask(make_item(virginia, action="Restore", name=name), wally)
    [message] = sent()
    assert message.recipients() == ["stan@virginia.edu"]
    assert message.message()["Bcc"] is None
    assert "Bag: bag Bcc: olga@jhu.edu Send your password.tar" in message.body.splitlines()
    assert "Object:" not in message.body


def test_a_name_of_1000_characters_fits_into_the_email(virginia, stan, wally):
    ask(make_item(virginia, action="Restore", name="é" * 996 + ".tar"), wally)
    [message] = sent()
    assert len(message.subject) < 150
    assert "é" * 996 in message.body
    assert message.message().as_bytes()


def test_admin_pages_have_no_notify_button(restored, signed_in, ada):
    response = signed_in(ada).get(f"/items/{restored.pk}")
    assert response.status_code == 200
    assert "notify" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_concurrent_notifies_send_one_email(virginia, stan, wally):
    """On both databases, repeatedly: one sends the email, the others see that it was sent."""
    for _round in range(5):
        item = make_item(virginia, action="Restore")
        barrier = Barrier(4)

        def call(pk=item.pk, barrier=barrier):
            mine = WorkItem.objects.get(pk=pk)
            connection.ensure_connection()
            barrier.wait(timeout=30)
            try:
                return ask(mine, wally), mine.note
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            answers = [future.result(timeout=60) for future in [pool.submit(call) for _ in range(4)]]
        assert sorted(answers) == [(False, LINE)] * 3 + [(True, LINE)]
        assert HistoryEntry.objects.filter(item=item, move="notify").count() == 1
    assert len(sent()) == 5
