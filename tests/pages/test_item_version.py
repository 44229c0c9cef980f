"""`/items/ID/version`: whether an item has changed since its page was drawn."""

import pytest

from workitems import transitions

from .page_elements import parse_page


def url(item):
    return f"/items/{item.pk}/version"


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_a_newer_version_is_reported(signed_in, cast, item, wally, who):
    client = signed_in(cast[who])
    first = client.get(url(item))
    assert (first.status_code, first.json(), first["ETag"]) == (200, {"version": 1}, '"1"')
    known = {"If-None-Match": first["ETag"]}
    same = client.get(url(item), headers=known)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", '"1"')
    transitions.progress(item, stage="Store", by=wally)
    later = client.get(url(item), headers=known)
    assert (later.status_code, later.json()) == (200, {"version": 2})


def test_the_page_knows_its_version(signed_in, dora, item, wally):
    transitions.progress(item, stage="Store", by=wally)
    live = parse_page(signed_in(dora).get(f"/items/{item.pk}?list=status%3DStarted")).one("div", class_="live-update")
    assert (live["data-live"], live["data-version"]) == (url(item), "2")
    assert live.one("a", data_show=True)["href"] == f"/items/{item.pk}?list=status%3DStarted"


def test_another_institutions_item_is_404(signed_in, dora, olga, item, theirs):
    assert signed_in(dora).get(url(theirs)).status_code == 404
    assert signed_in(olga).get(url(item)).status_code == 404
    for known in ('"1"', "*"):
        assert signed_in(dora).get(url(theirs), headers={"If-None-Match": known}).status_code == 404


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_an_unknown_id_is_404(signed_in, ada, number):
    assert signed_in(ada).get(f"/items/{number}/version").status_code == 404


def test_signed_out_visitors_and_services_are_sent_to_sign_in(client, signed_in, wally, item):
    for asking in (client, signed_in(wally)):
        assert asking.get(url(item))["Location"] == f"/accounts/login/?next={url(item)}"


@pytest.mark.parametrize("known", ["", "x", '"', 'W/"1"', '"1", "2"', "\x00"])
def test_invalid_etags(signed_in, dora, item, known):
    assert signed_in(dora).get(url(item), headers={"If-None-Match": known}).status_code in (200, 304)


def test_only_get_is_allowed(signed_in, ada, item):
    for method in ("post", "put", "delete", "patch"):
        assert getattr(signed_in(ada), method)(url(item)).status_code == 405


def test_it_takes_three_statements(signed_in, dora, item, django_assert_num_queries):
    client = signed_in(dora)
    with django_assert_num_queries(3):
        client.get(url(item))
