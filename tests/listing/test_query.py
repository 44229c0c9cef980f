"""A list as an object: its query string again, its chips, and how many rows a page has."""

import pytest
from django.http import QueryDict

from workitems import transitions
from workitems.listing import Dialect, ItemList, find
from workitems.listing.names import NAMES, PAGES

from ..factories import make_item

pytestmark = pytest.mark.django_db


def asked(user, query, dialect=PAGES):
    listing = ItemList(QueryDict(query), user, dialect)
    assert listing.is_valid(), listing.errors
    return listing


def test_chips_are_in_words_and_lead_to_the_list_without_them(ada, failures):
    cause = failures[0].failure.cause_id
    listing = asked(ada, f"sort=name&per_page=7&status=Failed&status=Success&retry=no&reviewed=1&cause={cause}")
    assert [(chip.name, chip.value) for chip in listing.chips()] == [
        ("status", "Failed"),
        ("status", "Success"),
        ("retry", "no"),
        ("reviewed", "yes"),
        ("cause", "no manifest"),
    ]
    assert [chip.without for chip in listing.chips()][:2] == [
        f"sort=name&per_page=7&status=Success&retry=no&reviewed=true&cause={cause}",
        f"sort=name&per_page=7&status=Failed&retry=no&reviewed=true&cause={cause}",
    ]
    assert listing.filter_query == f"status=Failed&status=Success&retry=no&reviewed=true&cause={cause}"


def test_chips_of_an_invalid_list_show_what_was_sent(ada):
    listing = ItemList(QueryDict("retry=maybe&cause=x"), ada)
    assert not listing.is_valid()
    assert [chip.value for chip in listing.chips()] == ["maybe", "x"]


def test_a_cause_that_nothing_in_sight_has_failed_with_is_named(ada, olga, failures, virginia, wally):
    own = make_item(virginia)
    transitions.fail(own, note="Disk full.", retry=False, by=wally)
    own_cause = own.failure.cause_id
    assert asked(ada, f"cause={own_cause}").references["cause"] == {str(own_cause): "Disk full."}
    for user, query in ((olga, f"cause={own_cause}"), (ada, "cause=987654"), (ada, f"cause={own_cause}&cause=987654")):
        listing = ItemList(QueryDict(query), user)
        assert not listing.is_valid()
        assert listing.errors == {"cause": "There is no cause of failure with this number."}
    with_another_mistake = ItemList(QueryDict("cause=987654&status=Bogus"), ada)
    assert not with_another_mistake.is_valid()
    assert list(with_another_mistake.errors) == ["status"]


def test_lists_of_several_queries_load_their_causes_at_once(ada, failures, django_assert_num_queries):
    cause = failures[0].failure.cause_id
    first = asked(ada, "")
    assert first.institutions
    queries = ["status=Failed", f"cause={cause}", "cause=987654", f"cause={cause}&cause=987654"]
    with django_assert_num_queries(1):
        lists = first.for_queries(queries)
        assert [listing.references["cause"] for listing in lists] == [
            {},
            {str(cause): "no manifest"},
            {},
            {str(cause): "no manifest"},
        ]
    assert [listing.is_valid() for listing in lists] == [True, True, False, False]
    assert all(listing.institutions is first.institutions for listing in lists)


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("status=Failed&status=Success", {}),
        ("page=2&page=3", {"page": "Use this only once."}),
        ("sort=name&sort=date", {"sort": "Use this only once."}),
        ("q=a&q=b", {"q": "Use this only once."}),
        ("q=a&q=a", {}),
        ("action=Ingest&item_action=Delete", {"item_action": "“action” and “item_action” are the same filter."}),
        ("access=anything", {}),
        ("format=csv", {}),
        ("after=x", {"after": "This isn't a position in a list with this sort order."}),
        ("sort=name&after=bag.tar~17", {}),
        ("before=bag.tar~17", {"before": "This isn't a position in a list with this sort order."}),
        ("statu=Failed", {"statu": "There is no filter with this name. Did you mean status?"}),
        ("zzz=1", {"zzz": "There is no filter with this name."}),
        ("zzz=", {"zzz": "There is no filter with this name."}),
    ],
)
def test_what_is_wrong_is_said_by_name(ada, query, errors):
    listing = ItemList(QueryDict(query), ada)
    assert listing.is_valid() is not bool(errors)
    assert list(listing.errors) == list(errors)
    for name, start in errors.items():
        assert listing.errors[name].startswith(start)
    assert "Did you mean" not in listing.errors.get("zzz", "")


def test_a_filter_with_two_names_counts_once_if_both_have_the_same_value(ada):
    """However it is spelled, and also if it is wrong."""
    of_caller = Dialect({**NAMES, "since": "received_from"}, per_page=None)
    for query, are_same in (
        ("received_from=2026-05-01&since=2026-05-01", True),
        ("received_from=2026-05-01&since=2026-05-02", False),
        ("received_from=x&since=x", True),
        ("received_from=x&since=y", False),
    ):
        errors = ItemList(QueryDict(query), ada, of_caller).errors
        assert ("are the same filter" not in " ".join(errors.values())) is are_same, (query, errors)


def test_words_are_known_in_any_spelling(ada):
    assert asked(ada, "status=FAILED&sort=-UPDATED").query() == "status=Failed&sort=-updated"


def test_the_text_of_the_search_box(ada):
    assert asked(ada, "q=one").search_text == "one"
    assert ItemList(QueryDict("q=one&q=two"), ada).search_text == "one"
    assert asked(ada, "").search_text == ""


def test_a_change_leads_back_to_the_first_page(ada):
    listing = asked(ada, "status=Failed&page=3&format=csv&sort=name")
    assert listing.query() == "status=Failed&page=3&sort=name"
    assert listing.query(sort="date") == "status=Failed&sort=date"
    assert listing.query(page=4) == "status=Failed&sort=name&page=4"
    assert listing.query(status=None, q="a b") == "sort=name&q=a+b"
    assert listing.query(status=["Failed", "Success"]) == "status=Failed&status=Success&sort=name"
    assert listing.with_toggled("status", "Success") == "status=Failed&status=Success&sort=name"
    assert listing.with_toggled("status", "Failed") == "sort=name"


def test_a_page_has_as_many_rows_as_asked_for_or_as_its_reader_likes(ada):
    of_api = Dialect(NAMES, per_page=33)
    ada.rows_per_page = 50
    assert (asked(ada, "").per_page, asked(ada, "per_page=7").per_page) == (50, 7)
    assert (asked(ada, "", of_api).per_page, asked(ada, "per_page=7", of_api).per_page) == (33, 7)
    assert asked(ada, "per_page=50").query() == ""  # a bookmark follows the setting
    assert asked(ada, "per_page=7").query() == "per_page=7"
    assert asked(ada, "per_page=50", of_api).query() == "per_page=50"
    assert (asked(ada, "").page, asked(ada, "page=3").page) == (1, 3)
    assert (asked(ada, "").format, asked(ada, "format=csv").format) == ("html", "csv")
    assert (asked(ada, "").sort_name, asked(ada, "sort=name").sort_name) == ("date", "name")


def test_a_caller_may_have_words_of_its_own(ada):
    of_caller = Dialect(NAMES, per_page=None, words={"status": {"failed": "Failed", "done": "Success"}})
    assert asked(ada, "status=failed&status=done&stage=Fetch", of_caller).params == {
        "status": ["Failed", "Success"],
        "stage": ["Fetch"],
    }
    listing = ItemList(QueryDict("status=Success"), ada, of_caller)
    assert not listing.is_valid()
    assert listing.errors == {"status": "“Success” is not one of: failed, done."}


def test_the_institutions_of_a_list(ada, dora, virginia, jhu):
    everything, one = asked(ada, ""), asked(ada, f"institution={jhu.pk}&institution=jhu.edu")
    assert (everything.sees_all, everything.scope, everything.chosen_institutions) == (True, None, None)
    assert (one.chosen_institutions, one.params["institution"]) == ([jhu.pk], ["jhu.edu"])
    both = asked(ada, f"institution_id={jhu.pk}&institution_id={virginia.pk}&institution=jhu.edu")
    assert (both.scope, both.chosen_institutions) == (sorted([jhu.pk, virginia.pk]), [jhu.pk])
    own = asked(dora, "")
    assert (own.sees_all, own.scope, own.chosen_institutions) == (False, [virginia.pk], None)
    assert own.institutions == {virginia.pk: virginia}
    assert {virginia.pk, jhu.pk} <= set(everything.institutions)


def test_rows_after_a_cursor_or_all(ada, virginia):
    items = [make_item(virginia, name=f"{letter}.tar") for letter in "abc"]
    whole = asked(ada, "sort=name")
    assert list(whole.rows_after_cursor()) == items
    assert list(asked(ada, f"sort=name&after=a.tar~{items[0].pk}").rows_after_cursor()) == items[1:]
    assert find(whole).total == 3
