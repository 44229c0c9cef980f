"""`/items/ID/edit`. test_cancel.py has what all moves have in common."""

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page, problems

FIELDS = ("retry", "needs_admin_review", "note", "node", "pid")


def url(item):
    return f"/items/{item.pk}/edit"


def values(item):
    return WorkItem.objects.values(*FIELDS).get(pk=item.pk)


@pytest.fixture
def running(item, wally):
    return transitions.progress(
        item, stage="Store", node="worker-7", pid=4711, note="Storing.\n2 of 3 done.\n", by=wally
    )


def test_the_form_shows_the_items_values(signed_in, ada, running):
    sent = find_form(signed_in(ada).get(url(running))).fields()
    assert {name: sent[name] for name in FIELDS} == {
        "retry": "on",
        "needs_admin_review": "false",
        "note": "Storing.\n2 of 3 done.\n",
        "node": "worker-7",
        "pid": "4711",
    }


def test_an_unchanged_form_changes_nothing(signed_in, ada, running):
    client = signed_in(ada)
    before = as_stored(running)
    sent = find_form(client.get(url(running))).fields()
    sent["note"] = sent["note"].replace("\n", "\r\n")  # as a browser sends it
    assert client.post(url(running), sent).status_code == 302
    assert as_stored(running) == before


def test_an_admin_edits(signed_in, ada, running):
    client = signed_in(ada)
    sent = find_form(client.get(url(running))).fields()
    changed = {"retry": "false", "needs_admin_review": "on", "note": "Disk full.", "node": "", "pid": ""}
    assert client.post(url(running), {**sent, **changed}).status_code == 302
    assert values(running) == {
        "retry": False,
        "needs_admin_review": True,
        "note": "Disk full.",
        "node": "",
        "pid": None,
    }
    entry = last_entry(running)
    assert (entry.move, entry.who, entry.via) == ("edit", ada.email, "page")
    assert (entry.stage_after, entry.status_after) == ("Store", "Started")
    assert entry.changes == {
        "retry": [True, False],
        "needs_admin_review": [False, True],
        "node": ["worker-7", ""],
        "pid": [4711, None],
    }


def test_an_unchecked_box_turns_the_flag_off(signed_in, ada, running):
    """A browser sends nothing for an unchecked box, so the form has a hidden field."""
    client = signed_in(ada)
    form = find_form(client.get(url(running)))
    hidden = [one for one in form.all("input", name="retry") if one["type"] == "hidden"]
    assert [one["value"] for one in hidden] == ["false"]
    client.post(url(running), {**form.fields(), "retry": hidden[0]["value"]})
    assert values(running)["retry"] is False


@pytest.mark.parametrize(
    ("sent", "changed"),
    [
        ({"note": "Mended."}, {"note": "Mended."}),
        ({"retry": "false"}, {"retry": False}),
        ({"needs_admin_review": "true"}, {"needs_admin_review": True}),
        ({"node": "worker-8"}, {"node": "worker-8"}),
        ({"pid": "12"}, {"pid": 12}),
        ({"pid": ""}, {"pid": None}),
        ({}, {}),
    ],
)
def test_fields_that_a_script_omits_stay(signed_in, ada, running, sent, changed):
    before = values(running)
    assert signed_in(ada).post(url(running), sent).status_code == 302
    assert values(running) == before | changed


@pytest.mark.parametrize("note", ["", "  \r\n "])
def test_a_note_cannot_be_emptied(signed_in, ada, running, note):
    before = as_stored(running)
    response = signed_in(ada).post(url(running), {"note": note})
    assert response.status_code == 422
    assert problems(response) == ["You can edit the note but not empty it."]
    assert as_stored(running) == before


def test_a_workers_long_note_does_not_prevent_an_edit(signed_in, ada, wally, running):
    note = "\n".join(f"payload file {n} is missing from the bag" for n in range(400)) + "\n"
    assert len(note) > 10_000
    transitions.fail(running, note=note, retry=True, by=wally)
    client = signed_in(ada)
    sent = find_form(client.get(url(running))).fields()
    sent["note"] = sent["note"].replace("\n", "\r\n")
    assert client.post(url(running), {**sent, "retry": "false"}).status_code == 302
    assert (values(running)["retry"], values(running)["note"]) == (False, note)
    assert client.post(url(running), {"note": note + "And more."}).status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pid", "abc"),
        ("pid", "0"),
        ("pid", "-1"),
        ("pid", str(2**63)),
        ("pid", "9" * 5000),
        ("node", "x" * 256),
        ("node", "a\x00b"),
        ("note", "a\x00b"),
        ("note", "x" * 10_001),
    ],
)
def test_invalid_values_are_field_errors_and_are_kept_in_the_form(signed_in, ada, running, field, value):
    before = as_stored(running)
    response = signed_in(ada).post(url(running), {field: value})
    assert response.status_code == 422
    [error] = parse_page(response).all("p", class_="error")
    assert error["id"] == f"id_{field}_error"
    if "\x00" not in value:
        assert find_form(response).fields()[field] == value
    assert as_stored(running) == before


@pytest.mark.parametrize("state", ["open", "held", "failed", "done", "cancelled"])
def test_any_item_can_be_edited(signed_in, ada, wally, item, state):
    if state == "held":
        transitions.suspend(item, note="ask", by=wally)
    elif state == "failed":
        transitions.fail(item, note="bad", retry=False, by=wally)
    elif state == "done":
        transitions.succeed(item, stage="Record", by=wally)
    elif state == "cancelled":
        transitions.cancel(item, note="no", by=ada)
    assert signed_in(ada).post(url(item), {"note": "Looked at it."}).status_code == 302
    assert last_entry(item).note == "Looked at it."


def test_a_conflict_is_reported_field_by_field(signed_in, ada, wally, running):
    client = signed_in(ada)
    sent = find_form(client.get(url(running))).fields() | {"needs_admin_review": "on"}
    transitions.progress(running, node="worker-9", pid=99, note="3 of 3 done.", by=wally)
    before = as_stored(running)
    response = client.post(url(running), sent)
    assert response.status_code == 409
    assert as_stored(running) == before
    read = parse_page(response)
    assert "has changed since you opened the page" in read.one("div", class_="problem").words
    said = {error["id"]: error.words for error in read.all("p", class_="error")}
    assert said == {
        "id_needs_admin_review_error": "It is now: no",
        "id_note_error": "It is now: 3 of 3 done.",
        "id_node_error": "It is now: worker-9",
        "id_pid_error": "It is now: 99",
    }
    again = find_form(response).fields()
    assert (again["needs_admin_review"], again["version"]) == ("on", str(running.version))
    assert (
        client.post(url(running), {**again, "node": "worker-9", "pid": "99", "note": "3 of 3 done."}).status_code == 302
    )
    assert values(running) == {
        "retry": True,
        "needs_admin_review": True,
        "note": "3 of 3 done.",
        "node": "worker-9",
        "pid": 99,
    }


def test_sending_it_twice_records_one_entry(signed_in, ada, running):
    client = signed_in(ada)
    sent = find_form(client.get(url(running))).fields() | {"retry": "false"}
    client.post(url(running), sent)
    stored = as_stored(running)
    assert client.post(url(running), sent).status_code == 302
    assert as_stored(running) == stored
