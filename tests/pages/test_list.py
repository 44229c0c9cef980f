"""The list, `/items/`, as each role sees it."""

import csv
import io
import json
from urllib.parse import parse_qs

import pytest
from django.urls import reverse

from workitems import transitions
from workitems.durations import typical
from workitems.explanations.presets import PRESETS
from workitems.lifecycle import phase_of

from ..factories import make_item, service
from ..many_items import make_items
from ..page_hooks import body, clickable, counts, data_hooks, item_ids, links
from .page_elements import parse_page


@pytest.fixture
def many(virginia, jhu):
    return make_items(70, [virginia, jhu])


@pytest.fixture
def virginias(many, virginia):
    return [item for item in many if item.institution_id == virginia.pk]


def test_signed_out_visitors_are_sent_to_sign_in(client, many):
    response = client.get("/items/?status=Failed")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/items/%3Fstatus%3DFailed"


@pytest.mark.parametrize(("who", "shown"), [("dora", "own"), ("stan", "own"), ("ada", "all")])
def test_each_role_sees_its_items(signed_in, cast, many, virginias, who, shown):
    response = signed_in(cast[who]).get("/items/?per_page=100")
    expected = many if shown == "all" else virginias
    assert response.status_code == 200
    assert set(item_ids(response)) == {item.pk for item in expected}
    assert data_hooks(response, "total") == [str(len(expected))]
    assert ("institution" in counts(response)) is (shown == "all")


def test_the_total_and_every_count_agree_with_the_rows(signed_in, ada, many):
    client = signed_in(ada)
    for facet, values in counts(client.get("/items/?q=plain")).items():
        for value, count in values.items():
            name = "item_action" if facet == "action" else facet
            response = client.get("/items/", {"q": "plain", name: value, "per_page": 100})
            assert data_hooks(response, "total") == [str(count)]
            assert len(item_ids(response)) == count


def test_clicking_a_name_shows_what_its_count_says(signed_in, dora, virginias):
    client = signed_in(dora)
    values = clickable(client.get("/items/?status=Failed&status=Pending&reviewed=false"))
    assert len(values) > 20
    for href, count in values:
        assert data_hooks(client.get(f"/items/{href}"), "total") == [count]


def test_paging_shows_every_item_once(signed_in, ada, many):
    client, seen, href = signed_in(ada), [], "?per_page=9&sort=date"
    while href:
        response = client.get(f"/items/{href}")
        seen += item_ids(response)
        following = [
            link
            for link in links(response, r"\?[^\"]*")
            if f'rel="next" href="{link.replace("&", "&amp;")}"' in response.content.decode()
        ]
        href = following[0] if following else None
    assert sorted(seen) == sorted(item.pk for item in many)


def test_a_page_beyond_the_end(signed_in, dora, virginias):
    response = signed_in(dora).get("/items/?page=99")
    assert response.status_code == 200
    assert item_ids(response) == []
    assert "?page=2" in links(response, r"\?[^\"]*")


@pytest.mark.parametrize(
    "query", ["bogus=1", "status=Bogus", "page=0", "q=a%00b", "per_page=100000", "node=x", "institution=jhu.edu"]
)
def test_errors_are_shown_and_there_are_no_rows(signed_in, dora, virginias, jhu, query):
    response = signed_in(dora).get(f"/items/?{query}")
    assert response.status_code == 400
    assert item_ids(response) == []
    assert f"<code>{query.split('=')[0]}</code>" in response.content.decode()


def test_an_invalid_list_cannot_be_exported(signed_in, dora, virginias):
    response = signed_in(dora).get("/items/?format=csv&status=Bogus")
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("who", "role"), [("dora", "institutional_user"), ("stan", "institutional_admin"), ("ada", "admin")]
)
def test_every_preset_is_a_valid_list(signed_in, cast, many, who, role):
    client = signed_in(cast[who])
    page = client.get("/items/")
    for preset in PRESETS[role]:
        assert f"?{preset.query}" in links(page, r"\?[^\"]*")
        assert client.get(f"/items/?{preset.query}").status_code == 200


def test_needs_me_lists_exactly_what_the_institution_must_act_on(signed_in, virginia, dora):
    worker = service()
    mine = make_item(virginia, name="mine.tar")
    transitions.fail(mine, by=worker, note="Bad manifest.", retry=False)
    replaced = make_item(virginia, name="replaced.tar", etag="1")
    transitions.fail(replaced, by=worker, note="Bad manifest.", retry=False)
    make_item(virginia, name="replaced.tar", etag="2")
    check = make_item(virginia, name="mine.tar", action="Fixity Check")
    transitions.fail(check, by=worker, note="Differs.", retry=False)
    client = signed_in(dora)
    [needs_me] = [preset for preset in PRESETS["institutional_user"] if str(preset.label) == "Needs me"]
    assert item_ids(client.get(f"/items/?{needs_me.query}")) == [mine.pk]
    assert "Action needed: your institution." in client.get(f"/items/{mine.pk}").content.decode()


def test_finished_not_reviewed_lists_exactly_those(signed_in, stan, virginias):
    response = signed_in(stan).get("/items/?phase=closed&reviewed=false&per_page=100")
    expected = {i.pk for i in virginias if phase_of(i.status, retry=i.retry) == "closed" and not i.reviewed}
    assert set(item_ids(response)) == expected


def test_rows_have_marks_in_addition_to_the_status(signed_in, virginia, ada):
    worker = service()
    failed = make_item(virginia, name="failed.tar")
    transitions.fail(failed, by=worker, stage="Validate", note="Manifest digest differs.\nmore", retry=False)
    stopped = make_item(virginia, name="stopped.tar")
    transitions.progress(
        stopped, by=worker, stage="Store", node="n1", note="disk", retry=False, needs_admin_review=True
    )
    old = make_item(virginia, name="again.tar", etag="1")
    new = make_item(virginia, name="again.tar", etag="2")
    twice = make_item(virginia, name="again.tar", etag="2")
    text = signed_in(ada).get("/items/").content.decode()
    assert "Failed at Validate" in text
    assert "Manifest digest differs." in text
    assert "Stopped at Store, waiting for APTrust" in text
    assert f"Superseded by {new.pk}" in text
    assert f"Duplicate of {new.pk}" in text
    assert {f"/items/{new.pk}"} <= set(links(signed_in(ada).get("/items/"), r"/items/\d+"))
    assert old.pk != twice.pk


def test_markup_in_names_and_notes_is_shown_not_run(signed_in, virginia, dora):
    item = make_item(virginia, name="<script>alert(1)</script>&\"'.tar")
    transitions.fail(item, by=service(), note="<img src=x onerror=alert(1)>", retry=False)
    text = signed_in(dora).get("/items/?q=%3Cscript%3E").content.decode()
    assert "<script>alert" not in text
    assert "<img" not in text
    assert item_ids(signed_in(dora).get("/items/?q=%3Cscript%3E")) == [item.pk]


def test_three_kinds_of_empty(signed_in, dora, virginia):
    client = signed_in(dora)
    assert "There are no work items yet" in client.get("/items/").content.decode()
    make_item(virginia, name="a.tar")
    nothing = client.get("/items/?q=zzz&status=Pending")
    assert "No items match" in nothing.content.decode()
    assert "?status=Pending" in links(nothing, r"\?[^\"]*")
    assert client.get("/items/999").status_code == 404


# Reading the page costs: the session, the reader with institution, the cells, the numbers of the rows, the rows, their uploads,
# what was changed last (to tell later what has changed since), and for those who may mark items the last history entry (for the
# snapshot); the saved views; admins also the institutions' names. On SQLite the
# numbers are asked for kind by kind; a search has the size of what it looks through counted. Never anything per row. What is
# usual, which says who is late, is read once a minute.
@pytest.mark.parametrize(("who", "number"), [("dora", 8), ("stan", 9), ("ada", 10)])
@pytest.mark.parametrize("rows", [10, 70])
@pytest.mark.parametrize("query", ["", "q=e&status=Failed&status=Success&status=Started"])
def test_queries_do_not_depend_on_the_rows(signed_in, cast, many, django_assert_num_queries, who, number, rows, query):
    client = signed_in(cast[who])
    typical.usual_times()
    with django_assert_num_queries(number):
        client.get(f"/items/?per_page={rows}&{query}")


def test_opening_the_list_changes_nothing(signed_in, ada, many, django_capture_on_commit_callbacks):
    from workitems.models import HistoryEntry, WorkItem

    before = list(WorkItem.objects.order_by("pk").values()), HistoryEntry.objects.count()
    for query in ("", "?q=plain", "?format=csv", "?format=json", "?status=Bogus"):
        body(signed_in(ada).get(f"/items/{query}"))
    assert (list(WorkItem.objects.order_by("pk").values()), HistoryEntry.objects.count()) == before


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_the_list_as_csv(signed_in, cast, many, virginias, who):
    response = signed_in(cast[who]).get("/items/?format=csv&status=Failed&sort=name&per_page=1")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].endswith('.csv"')
    rows = list(csv.DictReader(io.StringIO(body(response).lstrip("\ufeff"))))
    expected = [item for item in (many if who == "ada" else virginias) if item.status == "Failed"]
    assert {int(row["id"]) for row in rows} == {item.pk for item in expected}
    assert ("node" in rows[0], "pid" in rows[0]) == ((who == "ada"),) * 2


@pytest.mark.parametrize("who", ["dora", "ada"])
def test_the_list_as_json(signed_in, cast, many, virginias, who):
    response = signed_in(cast[who]).get("/items/?format=json&status=Failed")
    assert response["Content-Type"] == "application/json"
    rows = json.loads(body(response))
    expected = [item for item in (many if who == "ada" else virginias) if item.status == "Failed"]
    assert {row["id"] for row in rows} == {item.pk for item in expected}
    assert ("node" in rows[0]) is (who == "ada")


def test_csv_cells_are_never_formulas(signed_in, dora, virginia):
    item = make_item(virginia, name="=HYPERLINK(1).tar")
    transitions.fail(item, by=service(), note="@SUM(1)", retry=False)
    [row] = csv.DictReader(io.StringIO(body(signed_in(dora).get("/items/?format=csv")).lstrip("\ufeff")))
    assert row["name"] == "'=HYPERLINK(1).tar"
    assert row["note"] == "'@SUM(1)"


def test_the_sorted_column_is_marked(signed_in, dora, virginias):
    client = signed_in(dora)
    assert 'aria-sort="descending"' in client.get("/items/").content.decode()
    assert 'aria-sort="ascending"' in client.get("/items/?sort=name").content.decode()
    assert 'aria-sort="descending"' in client.get("/items/?sort=-name").content.decode()


def test_every_link_keeps_the_filters(signed_in, ada, many):
    response = signed_in(ada).get("/items/?item_action=Ingest&q=a&sort=name&per_page=10")
    text = response.content.decode()
    for name, value in (("item_action", "Ingest"), ("sort", "name"), ("per_page", "10")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in text
    for link in links(response, r"\?[^\"]*(?:page=2|format=csv|stage=)[^\"]*"):
        assert "item_action=Ingest" in link
        assert "q=a" in link
    assert reverse("items") in links(response, r"/items/")


def test_only_get_is_allowed(signed_in, ada):
    for method in ("post", "put", "delete", "patch"):
        assert getattr(signed_in(ada), method)("/items/").status_code == 405


@pytest.mark.parametrize(("typed", "shown"), [("2021-03-04", "2021-03-04"), ("2021-3-4", "2021-03-04"), ("20210304", "2021-03-04"), ("2021-02-31", ""), ("never", "")])  # fmt: skip
def test_dates_are_filled_in_as_browsers_need_them(signed_in, dora, item, typed, shown):
    read = parse_page(signed_in(dora).get(f"/items/?received_from={typed}"))
    assert read.one("input", id="id_received_from")["value"] == shown


def heads(response):
    """Returns {column: (aria-sort, [(heading, sort order of its link, whether it is the current one)])}."""
    return {
        head["class"]: (
            head.attributes.get("aria-sort"),
            [
                (link.words, parse_qs(link["href"][1:])["sort"][0], "aria-current" in link.attributes)
                for link in head.all("a")
            ],
        )
        for head in parse_page(response).one("thead").all("th")
    }


def test_two_headings_in_one_cell_sort_separately(signed_in, ada, dora, many):
    client = signed_in(ada)
    newest = heads(client.get("/items/"))
    order = ["select", "name", "action", "state", "size", "received", "reviewed"]
    assert [name for name in newest if name in order] == order
    assert newest["received"] == ("descending", [("Received", "-date", True), ("Updated", "updated", False)])
    assert newest["action"] == (None, [("Institution", "institution", False)])
    changed = heads(client.get("/items/?sort=-updated"))
    assert changed["received"] == ("ascending", [("Received", "date", False), ("Updated", "updated", True)])
    by_owner = heads(client.get("/items/?sort=institution"))
    assert by_owner["action"] == ("ascending", [("Institution", "institution", True)])
    assert by_owner["received"][0] is None
    assert heads(signed_in(dora).get("/items/"))["action"] == (None, [])


def test_rows_show_the_institution_to_readers_who_see_several(signed_in, ada, dora, theirs, item):
    row = parse_page(signed_in(ada).get("/items/")).one("tr", data_item_id=str(theirs.pk))
    assert row.one("td", class_="action").words == "Ingest jhu.edu"
    row = parse_page(signed_in(dora).get("/items/")).one("tr", data_item_id=str(item.pk))
    assert row.one("td", class_="action").words == "Ingest"


def test_a_row_says_only_once_that_it_waits_for_an_admin(signed_in, ada, virginia, wally):
    """The status of suspended and given-up items says so; that of waiting ones doesn't."""
    waits = make_item(virginia, needs_admin_review=True)
    gave_up = make_item(virginia, stage="Store")
    transitions.edit(
        transitions.progress(gave_up, by=wally), by=ada, needs_admin_review=True, retry=False, note="Killed."
    )
    rows = parse_page(signed_in(ada).get("/items/"))
    states = {row["data-item-id"]: row.one("td", class_="state").words for row in rows.all("tr", data_item_id=True)}
    assert states == {
        str(waits.pk): "Waiting: Receive Needs admin review",
        str(gave_up.pk): "Stopped at Store, waiting for APTrust Killed.",
    }
