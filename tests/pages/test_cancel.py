"""`/items/ID/cancel`, and what the pages of all moves have in common."""

import pytest
from django.test import Client

from workitems import transitions
from workitems.models import WorkItem
from workitems.notes import make_readable

from ..factories import make_item
from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page, problems

NOTE = "Uploaded by mistake, says the library."
# What is said of every move page, with a form that is right for an open item.
MOVES = {
    "cancel": {"note": NOTE},
    "requeue": {"stage": "Receive"},
    "edit": {"needs_admin_review": "true"},
    "review": {"reviewed": "true"},
}
MAY = {"ada": set(MOVES), "stan": {"review"}, "dora": set(), "olga": {"review"}}


def url(item, move="cancel"):
    return f"/items/{item.pk}/{move}"


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_which_roles_can_cancel(cast, signed_in, item, who, method, move):
    before = as_stored(item)
    response = getattr(signed_in(cast[who]), method)(url(item, move), MOVES[move])
    if move not in MAY[who]:
        expected = 403
    elif who == "olga":
        expected = 404
    elif move == "review":
        expected = 409  # open items cannot be reviewed, which both ways say at once
    else:
        expected = 200 if method == "get" else 302
    assert response.status_code == expected
    if expected != 302:
        assert as_stored(item) == before


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_signed_out_visitors_are_sent_to_sign_in(client, item, method, move):
    before = as_stored(item)
    response = getattr(client, method)(url(item, move), MOVES[move])
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/items/")
    assert as_stored(item) == before


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_not_allowed(signed_in, ada, item, method, move):
    before = as_stored(item)
    response = getattr(signed_in(ada), method)(url(item, move), "note=no", "application/x-www-form-urlencoded")
    assert response.status_code == 405
    assert response["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert as_stored(item) == before


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("query", ["", "?note=now&stage=Receive&reviewed=true", "?list=status%3DPending", "?start=1"])
def test_a_get_changes_nothing(signed_in, ada, item, move, query):
    before = as_stored(item)
    client = signed_in(ada)
    expected = 409 if move == "review" else 200
    assert client.get(url(item, move) + query).status_code == expected
    assert client.head(url(item, move) + query).status_code == expected
    assert client.options(url(item, move) + query).status_code == 200
    assert as_stored(item) == before


@pytest.mark.parametrize("move", MOVES)
def test_a_post_from_another_site_is_refused(ada, item, move):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    before = as_stored(item)
    response = client.post(url(item, move), MOVES[move])
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
    assert as_stored(item) == before


def test_the_forms_csrf_token_is_accepted(ada, item):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    sent = find_form(client.get(url(item))).fields()
    assert client.post(url(item), {**sent, "note": NOTE}).status_code == 302
    assert last_entry(item).move == "cancel"


@pytest.mark.parametrize("number", [0, 99_999_999, 2**63 - 1, 2**63, 10**30])
@pytest.mark.parametrize("move", MOVES)
def test_an_unknown_item_is_404(signed_in, ada, number, move):
    client = signed_in(ada)
    assert client.get(f"/items/{number}/{move}").status_code == 404
    assert client.post(f"/items/{number}/{move}", MOVES[move]).status_code == 404


@pytest.mark.parametrize("number", ["-1", "1.0", "x", "%00", "١"])
def test_an_invalid_id_is_404(signed_in, ada, item, number):
    assert signed_in(ada).get(f"/items/{number}/cancel").status_code == 404


# The cancel itself.


def test_an_admin_cancels(signed_in, ada, wally, item):
    transitions.progress(item, stage="Store", node="worker-7", pid=4711, by=wally)
    client = signed_in(ada)
    asked = client.get(url(item))
    sent = find_form(asked).fields()
    assert sent["version"] == str(item.version)
    assert "Cancel 1 item" in find_form(asked).words
    assert "Keep item" in find_form(asked).words
    response = client.post(url(item), {**sent, "note": NOTE})
    assert response.status_code == 302
    stored = WorkItem.objects.get(pk=item.pk)
    assert (stored.stage, stored.status, stored.retry, stored.note) == ("Resolve", "Cancelled", False, NOTE)
    entry = last_entry(item)
    assert (entry.move, entry.who, entry.via, entry.note) == ("cancel", ada.email, "page", NOTE)
    assert (entry.stage_before, entry.status_before) == ("Store", "Started")
    followed = client.get(response["Location"])
    assert f"Cancelled {item.name}." in parse_page(followed).one("div", class_="messages").words


def test_a_script_only_needs_to_send_the_note(signed_in, ada, item):
    response = signed_in(ada).post(url(item), {"note": NOTE})
    assert (response.status_code, response["Location"]) == (302, f"/items/{item.pk}")
    assert last_entry(item).note == NOTE


def test_a_depositor_reads_why(signed_in, ada, dora, item):
    note = "Cancelled: the bag is empty.\nPlease upload it again & <soon>."
    signed_in(ada).post(url(item), {"note": note.replace("\n", "\r\n")})
    read = parse_page(signed_in(dora).get(f"/items/{item.pk}"))
    assert read.one("div", id="note-text").text.strip() == note
    assert "cancelled before the bag was ingested" in read.one("section", aria_labelledby="what-now").words
    row = parse_page(signed_in(dora).get("/items/")).one("tr", data_item_id=str(item.pk))
    assert "Cancelled: the bag is empty." in row.words


@pytest.mark.parametrize("note", [None, "", " \r\n\t ", "\u00a0\u2003"])
def test_a_note_is_required(signed_in, ada, item, note):
    before = as_stored(item)
    response = signed_in(ada).post(url(item), {} if note is None else {"note": note})
    assert response.status_code == 422
    assert problems(response) == ["A note is required. Say why, for people who read it later."]
    assert as_stored(item) == before


def test_a_note_can_have_ten_thousand_characters(signed_in, ada, item):
    client = signed_in(ada)
    before = as_stored(item)
    long = "é" * 10_001
    response = client.post(url(item), {"note": long})
    assert response.status_code == 422
    assert problems(response) == ["A note can have at most 10000 characters; this one has 10001."]
    assert find_form(response).fields()["note"] == long
    assert as_stored(item) == before
    assert client.post(url(item), {"note": long[:-1]}).status_code == 302
    assert last_entry(item).note == long[:-1]


def test_line_breaks_count_as_one_character(signed_in, ada, item):
    typed = "x\n" * 4999 + "xx"
    assert len(typed) == 10_000
    assert signed_in(ada).post(url(item), {"note": typed.replace("\n", "\r\n")}).status_code == 302
    assert last_entry(item).note == typed


@pytest.mark.parametrize("note", ["nul \x00 byte", "\x00"])
def test_text_that_no_database_can_store_is_refused(signed_in, ada, item, note):
    before = as_stored(item)
    response = signed_in(ada).post(url(item), {"note": note})
    assert response.status_code == 422
    assert problems(response)
    assert as_stored(item) == before


@pytest.mark.parametrize(
    "note",
    ["\u202e right to left", "👩‍💻 \U0010ffff", "\ud7ff\ufffe", "a\u0301\u200b", "<b>&amp;</b>", "%s {0} {{ x }}"],
)
def test_unusual_text_is_stored_unchanged(signed_in, ada, item, note):
    client = signed_in(ada)
    assert client.post(url(item), {"note": note}).status_code == 302
    assert last_entry(item).note == note
    assert parse_page(client.get(f"/items/{item.pk}")).one("div", id="note-text").text == make_readable(note)


def test_invalid_utf8_does_not_break_the_page(signed_in, ada, item):
    body = b"note=\xff\xfe\xed\xa0\x80&version=\xff&list=\xff&from=\xff"
    response = signed_in(ada).post(url(item), body, "application/x-www-form-urlencoded")
    assert response.status_code == 422
    assert last_entry(item).move == "create"


@pytest.mark.parametrize("version", ["abc", "-1", "0", "1.5", str(2**63), str(10**30), "\x00", "1 OR 1=1"])
def test_an_invalid_version_is_reported(signed_in, ada, item, version):
    before = as_stored(item)
    response = signed_in(ada).post(url(item), {"note": NOTE, "version": version})
    assert response.status_code == 422
    assert any("version" in problem for problem in problems(response))
    assert as_stored(item) == before
    again = find_form(response).fields()
    assert (again["note"], again["version"]) == (NOTE, str(item.version))


@pytest.mark.parametrize("status", ["Success", "Failed"])
def test_closed_items_cannot_be_cancelled(signed_in, ada, wally, item, status):
    transitions.succeed(item, stage="Record", by=wally) if status == "Success" else transitions.fail(
        item, note="bad", retry=False, by=wally
    )
    before = as_stored(item)
    response = signed_in(ada).post(url(item), {"note": NOTE})
    assert response.status_code == 409
    [problem] = problems(response)
    assert f"closed ({item.stage} / {status})" in problem
    assert "cancel is only for items that are open or on hold" in problem
    assert find_form(response).fields()["note"] == NOTE
    assert as_stored(item) == before


def test_a_conflict_is_reported_and_the_form_can_be_sent_again(signed_in, ada, wally, item):
    client = signed_in(ada)
    sent = find_form(client.get(url(item))).fields() | {"note": NOTE}
    transitions.progress(item, stage="Store", by=wally)
    before = as_stored(item)
    response = client.post(url(item), sent)
    assert response.status_code == 409
    [problem] = problems(response)
    assert "has changed since you opened the page" in problem
    assert "Store / Started" in problem
    assert as_stored(item) == before
    again = find_form(response).fields()
    assert (again["note"], again["version"]) == (NOTE, str(item.version))
    assert client.post(url(item), again).status_code == 302
    assert (last_entry(item).stage_before, last_entry(item).note) == ("Store", NOTE)


def test_a_missing_note_does_not_hide_a_conflict(signed_in, ada, wally, item):
    client = signed_in(ada)
    sent = find_form(client.get(url(item))).fields()
    transitions.progress(item, stage="Store", by=wally)
    again = find_form(client.post(url(item), sent)).fields()
    assert client.post(url(item), {**again, "note": NOTE}).status_code == 409


def test_sending_it_twice_records_one_entry(signed_in, ada, item):
    client = signed_in(ada)
    sent = find_form(client.get(url(item))).fields() | {"note": NOTE}
    first = client.post(url(item), sent)
    stored = as_stored(item)
    second = client.post(url(item), sent)
    assert (second.status_code, second["Location"]) == (302, first["Location"])
    assert as_stored(item) == stored
    followed = client.get(second["Location"])
    assert "There was nothing to change." in parse_page(followed).one("div", class_="messages").words


def test_the_second_of_two_admins_gets_a_conflict(signed_in, ada, item):
    client = signed_in(ada)
    sent = find_form(client.get(url(item))).fields()
    client.post(url(item), {**sent, "note": NOTE})
    stored = as_stored(item)
    assert client.post(url(item), {**sent, "note": "For another reason."}).status_code == 409
    assert as_stored(item) == stored


def test_note_templates(signed_in, ada, item):
    client = signed_in(ada)
    starts = parse_page(client.get(url(item) + "?list=status%3DPending")).all("a", class_="note-template")
    assert len(starts) >= 2
    for start in starts:
        asked = client.get(url(item) + start["href"])
        assert find_form(asked).fields()["note"] == start["data-text"]
        assert find_form(asked).fields()["list"] == "status=Pending"
    assert find_form(client.get(url(item) + "?start=99")).fields()["note"] == ""


# Where the reader goes on afterwards, the same for every move.

LIST = "status=Pending&sort=name&page=2&per_page=10"


def sent_back(client, item, move, **more):
    response = client.post(url(item, move), {**MOVES[move], **more})
    assert response.status_code == 302
    return response["Location"]


@pytest.mark.parametrize("move", ["cancel", "requeue", "edit"])
def test_it_returns_to_the_same_list(signed_in, ada, item, move):
    assert sent_back(signed_in(ada), item, move, **{"from": "list", "list": LIST}) == f"/items/?{LIST}#item-{item.pk}"


@pytest.mark.parametrize("move", ["cancel", "requeue", "edit"])
def test_it_returns_to_the_item_with_its_list(signed_in, ada, item, move):
    client = signed_in(ada)
    where = sent_back(client, item, move, list=LIST)
    assert where.startswith(f"/items/{item.pk}?list=")
    back = parse_page(client.get(where)).one("nav", class_="item-nav").all("a")[0]
    assert back["href"] == f"/items/?{LIST}"


def test_the_confirmation_page_keeps_the_list(signed_in, ada, item):
    client = signed_in(ada)
    there = parse_page(client.get(f"/items/{item.pk}", {"list": LIST})).one("a", class_="button danger")["href"]
    asked = client.get(there)
    sent = find_form(asked).fields()
    assert sent["list"] == LIST
    keep = find_form(asked).one("a", class_="button")
    assert keep["href"] == f"/items/{item.pk}?list=" + there.split("?list=")[1]
    refused = client.post(there, sent)
    assert find_form(refused).fields()["list"] == LIST


@pytest.mark.parametrize("start", ["list", ""])
@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "next=https://evil.example/",
        "status=Pending\r\nLocation: https://evil.example/",
        "status=Nonsense",
        "q=%00",
        "&&==;;%%%",
        "\x00",
        "page=0",
    ],
)
def test_it_never_redirects_to_another_site(signed_in, ada, item, start, there):
    where = sent_back(signed_in(ada), item, "cancel", **{"from": start, "list": there})
    assert where == (f"/items/#item-{item.pk}" if start else f"/items/{item.pk}")


def test_a_list_with_too_many_parameters_is_ignored(signed_in, ada, item):
    very_long = "&".join(f"q{n}=1" for n in range(2000))
    assert sent_back(signed_in(ada), item, "cancel", list=very_long) == f"/items/{item.pk}"


def test_a_list_of_another_institution_is_ignored(signed_in, ada, stan, wally, virginia, theirs):
    done = make_item(virginia)
    transitions.fail(done, note="bad", retry=False, by=wally)
    assert sent_back(signed_in(stan), done, "review", list="institution=jhu.edu") == f"/items/{done.pk}"


@pytest.mark.parametrize("move", ["cancel", "requeue"])
def test_a_move_that_the_item_does_not_allow_is_not_offered(signed_in, ada, wally, item, move):
    transitions.succeed(item, stage="Cleanup", by=wally)
    response = signed_in(ada).get(url(item, move))
    assert response.status_code == 409
    assert "This item is closed (Cleanup / Success)" in response.content.decode()
    assert "<textarea" not in response.content.decode()
