"""What the pages say about a search: an item's number, names that aren't found, and what is there without the filters."""

import pytest
from django.utils.html import escape

from ..factories import make_item
from ..page_hooks import body, data_hooks, item_ids, links
from .page_elements import parse_page


@pytest.fixture
def own(virginia):
    return make_item(virginia, name="own.tar")


@pytest.fixture
def theirs(jhu):
    return make_item(jhu, name="theirs.tar")


@pytest.mark.parametrize("form", ["{}", "#{}", " {} ", "https://pharos.example/items/{}"])
@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_a_number_leads_to_its_item(signed_in, cast, own, who, form):
    response = signed_in(cast[who]).get("/items/", {"q": form.format(own.pk), "status": "Failed"})
    assert data_hooks(response, "numbered") == [str(own.pk)]
    assert links(response, f"/items/{own.pk}") == [f"/items/{own.pk}"]


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_another_institutions_number_is_like_no_number(signed_in, cast, own, jhu, who):
    client, number = signed_in(cast[who]), own.pk + 1
    before = parse_page(client.get("/items/", {"q": number})).one("main").words
    assert make_item(jhu, name="theirs.tar").pk == number
    response = client.get("/items/", {"q": number})
    assert parse_page(response).one("main").words == before
    assert data_hooks(response, "numbered") == []


@pytest.mark.parametrize("text", ["9" * 19, "9" * 30, "#", "#0", "٣"])
def test_odd_numbers_are_only_text(signed_in, dora, own, text):
    response = signed_in(dora).get("/items/", {"q": text})
    assert response.status_code == 200
    assert data_hooks(response, "numbered") == []


@pytest.mark.parametrize(("who", "missing"), [("dora", 2), ("stan", 2), ("ada", 1)])
def test_names_that_are_not_found_are_told(signed_in, cast, own, theirs, who, missing):
    response = signed_in(cast[who]).get("/items/", {"q": "own.tar\ntheirs.tar\n<nowhere>.tar"})
    assert data_hooks(response, "missing") == [str(missing)]
    assert f"{missing} of 3 not found:" in body(response)
    assert escape("<nowhere>.tar") in body(response)
    assert own.pk in item_ids(response)
    assert (theirs.pk in item_ids(response)) is (who == "ada")
    box = parse_page(response).one("input", id="id_q")
    assert box["value"] == "own.tar; theirs.tar; <nowhere>.tar"


def test_filters_do_not_make_names_missing(signed_in, dora, own):
    response = signed_in(dora).get("/items/", {"q": "own.tar nowhere.tar", "status": "Failed"})
    assert item_ids(response) == []
    assert data_hooks(response, "missing") == ["1"]


def test_a_comma_within_a_name_is_no_list(signed_in, dora, virginia):
    item = make_item(virginia, name="Letters, 1890.tar")
    response = signed_in(dora).get("/items/", {"q": "Letters, 1890"})
    assert item_ids(response) == [item.pk]
    assert data_hooks(response, "missing") == []


@pytest.mark.parametrize("filters", [{"status": "Failed"}, {"status": "Failed", "item_action": "Delete"}])
def test_an_empty_search_says_what_it_finds_without_the_filters(signed_in, dora, own, theirs, filters):
    response = signed_in(dora).get("/items/", {"q": "TAR", **filters})
    assert data_hooks(response, "without-filters") == ["1"]
    assert "Without the filters: 1 item" in body(response)
    assert "?q=TAR" in links(response)
    assert item_ids(signed_in(dora).get("/items/?q=TAR")) == [own.pk]


@pytest.mark.parametrize("query", [{"q": "nowhere"}, {"q": "theirs", "status": "Failed"}, {"status": "Failed"}])
def test_a_search_that_finds_nothing_anyway_says_nothing_of_filters(signed_in, dora, own, theirs, query):
    assert data_hooks(signed_in(dora).get("/items/", query), "without-filters") == []


@pytest.mark.parametrize("text", ["a\0b", "x" * 10_000, "\u200b", "\n".join(f"{n}.tar" for n in range(1_001))])
def test_bad_searches_are_errors_with_no_rows(signed_in, dora, own, text):
    for response in (
        signed_in(dora).get("/items/", {"q": text}),
        signed_in(dora).post("/items/find", {"names": text}),
    ):
        assert response.status_code == 400
        assert item_ids(response) == []
        assert parse_page(response).all(role="alert")


@pytest.mark.parametrize("text", ["%", "_", "\\", "!?", '"', "'", ";", ",", ";,", "#"])
def test_punctuation_is_text(signed_in, dora, own, text):
    response = signed_in(dora).get("/items/", {"q": text})
    assert response.status_code == 200
    assert item_ids(response) == []


# The page for many names


def many(*more):
    return "\n".join([*(f"nowhere-{n}.tar" for n in range(100)), *more])


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_many_names_have_a_page(signed_in, cast, own, theirs, who):
    response = signed_in(cast[who]).post("/items/find", {"names": many("own", "theirs.tar")})
    sees_theirs = who == "ada"
    assert response.status_code == 200
    assert item_ids(response) == [theirs.pk, own.pk] if sees_theirs else [own.pk]
    assert data_hooks(response, "missing") == ["100" if sees_theirs else "101"]
    assert data_hooks(response, "names") == ["102"]
    assert parse_page(response).one("textarea", id="id_names").text.strip() == many("own", "theirs.tar")


def test_an_address_with_many_names_shows_the_same(signed_in, dora, own):
    response = signed_in(dora).get("/items/", {"q": many("own.tar")})
    assert item_ids(response) == [own.pk]
    assert data_hooks(response, "missing") == ["100"]
    assert len(response.content) < 100_000


def test_few_names_lead_to_the_list(signed_in, dora, own):
    response = signed_in(dora).post("/items/find", {"names": "own.tar\r\nmy bag\r\n"}, follow=True)
    assert response.redirect_chain == [("/items/?q=own.tar%3B+my+bag", 302)]
    assert item_ids(response) == [own.pk]


def test_many_names_as_a_file(signed_in, dora, own, theirs):
    response = signed_in(dora).post("/items/find", {"names": many("own.tar", "theirs.tar"), "format": "csv"})
    lines = body(response).splitlines()
    assert len(lines) == 2
    assert "own.tar" in lines[1]


def test_the_form_is_empty_first(signed_in, dora, own):
    client = signed_in(dora)
    assert client.get("/items/find").status_code == 200
    assert client.post("/items/find", {"names": " "}, follow=True).redirect_chain == [("/items/find", 302)]


def test_visitors_sign_in_first(client):
    assert client.get("/items/find").status_code == 302
    assert client.post("/items/find", {"names": "own.tar"}).status_code in (302, 403)


# Spaces


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("one two.tar", []),
        (" <b>.tar ", [" ", " "]),
        ("a  b\u00a0c.tar", ["  ", "\u00a0"]),
        (f"{'x' * 30} {'y' * 30}.tar", []),
        (f" {'x' * 40}  {'y' * 40} .tar", [" ", "  "]),
    ],
)
def test_spaces_of_names_are_marked(signed_in, dora, virginia, name, marked):
    item = make_item(virginia, name=name)
    heading = parse_page(signed_in(dora).get(f"/items/{item.pk}")).one("h1")
    assert [one.text for one in heading.all("span", class_="spaces")] == marked
    assert heading.text == name
    row = parse_page(signed_in(dora).get("/items/")).one("tr", data_item_id=str(item.pk))
    cell = row.all("span", class_="full-text") or row.all("a")
    assert [one.text for one in cell[0].all("span", class_="spaces")] == marked
    assert cell[0].text == name


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_the_overview_and_an_item_have_the_search_box(signed_in, cast, own, who):
    for address in ("/", f"/items/{own.pk}?list=status%3DPending"):
        form = parse_page(signed_in(cast[who]).get(address)).one("form", class_="search")
        assert form["action"] == "/items/"
        assert form.fields() == {"q": ""}
