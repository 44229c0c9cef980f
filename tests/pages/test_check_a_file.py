"""`/check-a-file` and the panel on an item's page: who sees them, and what the page tells its script. How files are
compared is tested in a browser, in tests/e2e/test_check_a_file.py.
"""

import json
import re

import pytest
from django.conf import settings
from django.utils import translation

from pharos.accounts.roles import Permission
from workitems.pages import file_check

from ..factories import make_item
from .page_elements import parse_page

PAGE = "/check-a-file"
MD5 = "9c5a3e2b7d1f4860a1b2c3d4e5f60718"
SCRIPT = settings.BASE_DIR / "static/check_a_file.js"


def test_everyone_who_can_sign_in_sees_the_page(cast, client):
    for user in cast.values():
        client.force_login(user)
        assert client.get(PAGE).status_code == (200 if user.can(Permission.SIGN_IN) else 302), user.role


def test_a_signed_out_reader_signs_in_first(client, db):
    response = client.get(f"{PAGE}?etag={MD5}")
    assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={PAGE}%3Fetag%3D{MD5}")


def test_the_security_policy_is_that_of_other_pages(signed_in, dora):
    """`script-src` covers workers, too, so the page needs no exception."""
    client = signed_in(dora)
    policy = client.get(PAGE)["Content-Security-Policy"]
    assert policy == client.get("/words")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "worker-src" not in policy


def test_the_page_says_that_nothing_is_sent(signed_in, dora):
    page = parse_page(signed_in(dora).get(PAGE)).one("main")
    assert "Your browser reads the file. Nothing is sent." in page.words
    assert page.all("form") == []  # which could send it
    assert page.one("input", type="file").attributes.get("name") is None


def test_an_etag_in_the_address(signed_in, dora):
    page = parse_page(signed_in(dora).get(PAGE, {"etag": '"><b>'}))
    assert page.one("input", id="etag")["value"] == '"><b>'
    assert 'python3 check_etag.py FILE "><b>' in [sample.text for sample in page.all("pre")]


def test_the_script_for_servers_is_shown_as_it_is(signed_in, dora):
    script = (settings.BASE_DIR / "static/check_etag.py").read_text()
    page = parse_page(signed_in(dora).get(PAGE))
    assert page.one(id="script").one("pre").text == script
    assert page.one("button", data_copy="script").words == "Copy the script"


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
@pytest.mark.parametrize("etag", [MD5, f"{MD5}-13"])
def test_the_panel_of_an_item(signed_in, cast, virginia, who, etag):
    item = make_item(virginia, etag=etag, size=4711)
    page = parse_page(signed_in(cast[who]).get(f"/items/{item.pk}"))
    check = page.one("details", id="is-this-my-file").one("div", data_file_check=True)
    assert (check["data-etag"], check["data-size"]) == (etag, "4711")
    assert (
        page.one("section", class_="panel fields-panel").one("a", href="#is-this-my-file").words == "Is this my file?"
    )
    assert page.one("details", id="is-this-my-file").one("pre").text == f"python3 check_etag.py FILE {etag}"


def test_an_item_of_unknown_size(signed_in, dora, virginia):
    page = parse_page(signed_in(dora).get(f"/items/{make_item(virginia, etag=MD5, size=None).pk}"))
    assert "data-size" not in page.one("div", data_file_check=True).attributes


@pytest.mark.parametrize("etag", ["", "ABC1", f"{MD5}-x"])
def test_an_item_with_another_etag_has_no_panel(signed_in, dora, virginia, etag):
    text = signed_in(dora).get(f"/items/{make_item(virginia, etag=etag).pk}").content.decode()
    assert "is-this-my-file" not in text
    assert "check_a_file.js" not in text


@pytest.mark.parametrize("address", ["/words", "/"])
def test_where_people_look_is_a_link(signed_in, dora, address):
    assert parse_page(signed_in(dora).get(address)).all("a", href=PAGE)


def test_exactly_the_sentences_that_the_script_says_are_on_the_page(signed_in, dora):
    check = parse_page(signed_in(dora).get(PAGE)).one("div", data_file_check=True)
    script = SCRIPT.read_text()
    unsaid = {name for name in json.loads(check["data-sentences"]) if f'"{name.removesuffix("_by")}"' not in script}
    assert unsaid == set()
    assert {*re.findall(r'#say\("(\w+)"', script)} <= file_check.sentences().keys()


def test_every_placeholder_of_a_sentence_is_filled_by_the_script():
    script = SCRIPT.read_text()
    placeholders = {name for text in file_check.sentences().values() for name in re.findall(r"{(\w+)}", text)}
    assert {name for name in placeholders if not re.search(rf"[{{,] {name}\b", script)} == set()


def test_clients_are_named_in_the_readers_language():
    with translation.override("en"):
        assert {"name": "the AWS command line", "part": 8 * 2**20, "smallest": 8 * 2**20} in file_check.clients()


def test_the_documentation_has_the_part_size_of_each_program():
    rows = (settings.BASE_DIR / "docs/etags.md").read_text().splitlines()
    for client in file_check.CLIENTS:
        name = str(client.name).removeprefix("the ")
        [part_size] = [row.split(" | ")[2] for row in rows if row.startswith(f"| {name} ")]
        assert part_size == str(client.part // 2**20), name
