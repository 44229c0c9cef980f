"""What a user's preferences do on pages; tests/accounts/test_account.py tests how they are set."""

import re

import pytest
from django.conf import settings

from ..factories import make_item
from ..many_items import make_items
from ..page_hooks import item_ids, links
from .page_elements import parse_page

DARK = re.compile(r"--[a-z-]+: [^;]+;")


def sets(person, **values):
    for name, value in values.items():
        setattr(person, name, value)
    person.save()


# Colours


@pytest.mark.parametrize(("theme", "scheme"), [("system", "light dark"), ("light", "light"), ("dark", "dark")])
def test_pages_use_the_chosen_colors(signed_in, dora, item, theme, scheme):
    sets(dora, theme=theme)
    client = signed_in(dora)
    for address in ("/items/", f"/items/{item.pk}", "/account", "/keys", "/nothing"):
        read = parse_page(client.get(address))
        assert read.one("html").attributes.get("data-theme", "system") == theme
        assert read.one("meta", name="color-scheme")["content"] == scheme


def test_signed_out_visitors_get_the_systems_colors(client, db):
    read = parse_page(client.get("/accounts/login/"))
    assert "data-theme" not in read.one("html").attributes
    assert read.one("meta", name="color-scheme")["content"] == "light dark"


def test_chosen_and_system_dark_colors_are_the_same():
    """The stylesheet has it twice: for dark systems, and for users who have chosen dark."""
    style = (settings.BASE_DIR / "static/pharos.css").read_text()
    of_the_system, chosen = (
        style.split(selector)[1].split("}")[0]
        for selector in (':root:not([data-theme="light"]) {', ':root[data-theme="dark"] {')
    )
    assert DARK.findall(of_the_system) == DARK.findall(chosen) != []


# Rows


@pytest.fixture
def sixty(virginia):
    return make_items(60, [virginia])


def test_lists_have_the_chosen_number_of_rows(signed_in, dora, sixty):
    client = signed_in(dora)
    for rows in (10, 50, 25):
        sets(dora, rows_per_page=rows)
        assert len(item_ids(client.get("/items/"))) == rows


def test_an_address_overrides_the_number_of_rows(signed_in, dora, sixty):
    sets(dora, rows_per_page=10)
    client = signed_in(dora)
    response = client.get("/items/?per_page=7")
    assert len(item_ids(response)) == 7
    assert [link for link in links(response, r"\?[^\"]*page=2[^\"]*") if "per_page=7" not in link] == []
    assert len(item_ids(client.get("/items/?per_page="))) == 10


def test_links_omit_the_users_number_of_rows(signed_in, dora, sixty):
    """Bookmarks follow the setting, and colleagues have their own."""
    sets(dora, rows_per_page=10)
    for address in ("/items/?status=Failed", "/items/?status=Failed&per_page=10"):
        response = signed_in(dora).get(address)
        assert len(item_ids(response)) <= 10
        found = links(response, r"\?[^\"]*")
        assert found
        assert [link for link in found if "per_page" in link] == []
        own = parse_page(response).one("select", id="per_page").one("option", selected=True)
        assert (own["value"], own.words) == ("", "10")


def test_paging_shows_every_item_once(signed_in, dora, sixty):
    sets(dora, rows_per_page=10)
    client, seen, address = signed_in(dora), [], "/items/?sort=-date"
    while address:
        read = client.get(address)
        seen += item_ids(read)
        following = parse_page(read).all("a", rel="next")
        address = f"/items/{following[0]['href']}" if following else None
    assert sorted(seen) == sorted(item.pk for item in sixty)


def test_files_and_the_api_ignore_the_number_of_rows(signed_in, dora, sixty):
    sets(dora, rows_per_page=10)
    client = signed_in(dora)
    assert len(b"".join(client.get("/items/?format=csv").streaming_content).decode().splitlines()) == 61


# Keys


def scripts(response):
    return {one["src"].rsplit("/", 1)[1].split(".")[0] for one in parse_page(response).all("script")}


def test_the_shortcuts_script_is_not_loaded_if_turned_off(signed_in, dora, item):
    client = signed_in(dora)
    assert "keys" in scripts(client.get("/items/"))
    assert "switched these off" not in parse_page(client.get("/keys")).one("main").words
    sets(dora, keyboard_shortcuts=False)
    for address in ("/items/", f"/items/{item.pk}", "/keys"):
        assert "keys" not in scripts(client.get(address))
    assert "You have turned these off." in parse_page(client.get("/keys")).one("main").words


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_the_shortcuts_are_a_page_too(signed_in, cast, who):
    client = signed_in(cast[who])
    assert "/keys" in links(client.get("/items/"))
    keys = [key.words for key in parse_page(client.get("/keys")).one("main").all("kbd")]
    of_reviews = set() if who == "dora" else {"a", "z"}
    assert {"j", "k", "x", "r", "/", "Enter", "n", "p", "u", "s", "g", "o", "l", "?"} | of_reviews == set(keys)


def test_signed_out_visitors_have_no_shortcuts(client, db):
    response = client.get("/accounts/login/")
    assert scripts(response) == {"pharos"}
    assert not parse_page(response).all("a", data_keys=True)


# Weight


def test_the_scripts_are_small(signed_in, ada, virginia):
    files = {file.name: file.stat().st_size for file in (settings.BASE_DIR / "static").glob("*.js")}
    # Loaded only where a file can be compared; the second one is a worker that starts when a file is chosen.
    for_files = files.pop("check_a_file.js") + files.pop("etag_worker.js")
    assert sum(files.values()) < 20_000
    assert for_files < 25_000
    item = make_item(virginia)
    for address in ("/items/", f"/items/{item.pk}"):
        assert len(signed_in(ada).get(address).content) < 100_000
